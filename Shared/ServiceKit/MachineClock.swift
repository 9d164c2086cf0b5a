package import Bytes
internal import Glibc

/// The two clocks of a machine, handed to whatever needs the time, so that tests have clocks of their own.
package struct MachineClock: Sendable {
    /// Microseconds since 1970 (UTC); it may jump either way.
    package let wall: @Sendable () -> Int64
    /// Nanoseconds since the machine started, sleep included (`CLOCK_BOOTTIME`); it never goes back.
    package let boot: @Sendable () -> Int64

    /// A clock of a test's own.
    package init(wall: @escaping @Sendable () -> Int64, boot: @escaping @Sendable () -> Int64) {
        self.wall = wall
        self.boot = boot
    }

    /// The machine's clocks.
    package static let system = MachineClock(
        wall: { nanoseconds(CLOCK_REALTIME) / 1000 },
        boot: { nanoseconds(CLOCK_BOOTTIME) }
    )

    /// Both clocks as a record wants them.
    package var recordTime: RecordTime {
        RecordTime(wall: wall(), mono: boot() / 1000)
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // It can fail for a clock that does not exist only, and these two have been there since Linux 2.6.39.
        precondition(clock_gettime(clock, &time) == 0, "the system has no clock")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// In whole nanoseconds, as clocks count.
    @inlinable package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
