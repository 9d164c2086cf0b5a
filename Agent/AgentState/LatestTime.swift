package import ServiceKit
internal import StrictJSON
internal import Synchronization

/// The latest time that is known, over restarts: a wall clock that was set back while no agent ran buys no time for
/// what has an end.
///
/// A clock that was wrong in the future would end everything for ever, so the coordinator's time replaces what is
/// known: an agent that hears of it gets policies with ends of their own.
package final class LatestTime: Sendable {
    /// A time, and what the machine's own clock said then: microseconds since 1970, nanoseconds since the start.
    private struct Known {
        let wall: Int64
        let boot: Int64
    }

    /// Up to the year 9999, in microseconds: what else a file says is damage, and can be too much to add to.
    private static let possible = 0...253_402_300_800_000_000

    private let clock: MachineClock
    private let path: String
    private let known: Mutex<Known>

    /// The time that an earlier run knew of.
    ///
    /// - Throws: `FileError` where the file cannot be read; a damaged one counts as none.
    package init(_ home: AgentHome, clock: MachineClock) throws {
        self.clock = clock
        path = home.path(.clock)
        let bytes = try DurableFile.read(path, maxBytes: 4096)
        let json = bytes.flatMap { try? JSONValue(parsing: $0) }
        let wall = json?["wall"]?.int ?? 0
        known = Mutex(Known(wall: Int64(Self.possible.contains(wall) ? wall : 0), boot: clock.boot()))
    }

    /// Microseconds since 1970.
    package var now: Int64 {
        let known = known.withLock { $0 }
        return max(clock.wall(), known.wall + (clock.boot() - known.boot) / 1000)
    }

    /// The coordinator was heard of, by whose clock it is so many seconds since 1970.
    package func heard(_ seconds: Int) {
        known.withLock { $0 = Known(wall: Int64(seconds) * 1_000_000, boot: clock.boot()) }
    }

    /// Writes it down; throws `FileError`.
    package func keep() throws {
        try DurableFile.write(JSONValue.object(["v": 1, "wall": .int(Int(now))]).bytes, to: path)
    }
}
