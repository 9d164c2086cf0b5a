internal import NIOCore

/// Does something again and again, until it is cancelled.
final class Ticker {
    private let loop: any EventLoop
    private let interval: TimeAmount
    private let tick: () -> Void
    private var timer: Scheduled<Void>?

    init(on loop: any EventLoop, every interval: TimeAmount, _ tick: @escaping () -> Void) {
        self.loop = loop
        self.interval = interval
        self.tick = tick
        arm()
    }

    private func arm() {
        timer = loop.assumeIsolated().scheduleTask(in: interval) {
            self.arm()
            self.tick()
        }
    }

    func cancel() {
        timer?.cancel()
        timer = nil
    }
}
