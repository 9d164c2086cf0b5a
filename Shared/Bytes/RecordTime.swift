/// When a record was made: by the wall clock, which may jump, and by the machine's own clock, which may not.
package struct RecordTime: Hashable, Sendable {
    /// Microseconds since 1970 (UTC).
    package let wall: Int64
    /// Microseconds since the machine started, sleep included (`CLOCK_BOOTTIME`).
    package let mono: Int64

    package init(wall: Int64, mono: Int64) {
        self.wall = wall
        self.mono = mono
    }
}
