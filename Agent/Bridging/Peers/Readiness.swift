internal import NIOCore

/// Tells all who wait once something is there, or will not be; nobody waits for long.
final class Readiness {
    private(set) var isSettled = false
    private var waiting: [() -> Void] = []
    private var timer: Scheduled<Void>?
    private let loop: any EventLoop

    /// What takes longer is gone on without.
    private static let patience = TimeAmount.seconds(2)

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// Calls `done` once it is settled, or after two seconds; at once where it is.
    func wait(_ done: @escaping () -> Void) {
        guard !isSettled else { return done() }
        waiting.append(done)
        guard timer == nil else { return }
        timer = loop.assumeIsolated().scheduleTask(in: Self.patience) { self.tell() }
    }

    /// It is there, or will not be.
    func settle() {
        isSettled = true
        tell()
    }

    /// It is gone, and may come again.
    func unsettle() { isSettled = false }

    private func tell() {
        timer?.cancel()
        timer = nil
        let waiting = waiting
        self.waiting = []
        for done in waiting { done() }
    }
}
