package import StrictJSON
internal import Synchronization

/// What rules may demand of this machine and its person, as far as the data path does not know it by itself.
package struct MachineFacts: Sendable {
    /// Where the machine keeps its key.
    package let custody: JSONText
    /// When the coordinator was heard of.
    package let contact: LastContact
    /// Where people sign in at the coordinator.
    package let signInURL: String
    /// What time it is at least, in microseconds since 1970: a wall clock that was set back makes no sign-in younger.
    package let time: @Sendable () -> Int64

    package init(
        custody: JSONText,
        contact: LastContact,
        signInURL: String,
        time: @escaping @Sendable () -> Int64
    ) {
        self.custody = custody
        self.contact = contact
        self.signInURL = signInURL
        self.time = time
    }
}

/// When the coordinator was heard of last, by a clock that runs on while the machine sleeps.
///
/// What an earlier run has heard does not count: how long ago that was is not known for certain.
package final class LastContact: Sendable {
    private let time = Mutex<Int64?>(nil)

    /// Nothing was heard yet.
    package init() {}

    /// It was heard of.
    ///
    /// - Parameter now: nanoseconds of the machine's own clock.
    package func heard(now: Int64) {
        time.withLock { $0 = max($0 ?? now, now) }
    }

    /// How many seconds ago that was, rounded up; nil where nothing was heard.
    package func age(now: Int64) -> Int? {
        time.withLock { time in time.map { Int((max(0, now - $0) + 999_999_999) / 1_000_000_000) } }
    }
}
