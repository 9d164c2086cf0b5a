internal import NIOCore

/// Something that is asked of one server while clients wait: for two seconds in all, whoever waits.
///
/// From then on they are told at once that it is not there, and hear of it in another way once it is.
///
/// So a server that hangs delays one answer by two seconds, and none after it.
final class PatientFetch {
    /// How long an answer about all servers waits for any one of them.
    static let patience = TimeAmount.seconds(2)

    private var waiters: [() -> Void] = []
    private var timer: Scheduled<Void>?
    /// Whether it takes longer than any client waits.
    private(set) var isOverdue = false
    /// Whether what is asked for has changed since it was asked for.
    var isStale = false

    init(on loop: any EventLoop, _ waiter: @escaping () -> Void) {
        waiters = [waiter]
        timer = loop.assumeIsolated().scheduleTask(in: Self.patience) {
            self.isOverdue = true
            self.release()
        }
    }

    /// Has another one wait for the rest of the time.
    func join(_ waiter: @escaping () -> Void) {
        guard !isOverdue else { return waiter() }
        waiters.append(waiter)
    }

    /// It is there, or will not come.
    func end() {
        timer?.cancel()
        timer = nil
        release()
    }

    private func release() {
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter() }
    }
}
