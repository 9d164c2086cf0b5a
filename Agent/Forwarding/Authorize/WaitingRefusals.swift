internal import NIOCore
internal import StrictJSON

/// Refusals whose time has not come: each client is refused so many times a second, and what is more is recorded and
/// answered later, while its connection waits.
///
/// Each refusal has its record, also where its client has gone in the meantime. Of those that wait there is a bound; once a
/// client has reached it, its next requests are not looked at until one of them was answered.
final class WaitingRefusals {
    /// What there is to say about one client.
    private final class Lane {
        var pace = RefusalPace()
        var waiting: ArraySlice<(due: Int64, request: DelayedRequest)> = []
        /// Requests that are not looked at yet.
        var held: ArraySlice<DelayedRequest> = []
        /// How many are held before it is looked whether their connections are still there.
        var manyHeld = 1024
        var timer: Scheduled<Void>?
    }

    private var lanes: [JSONText: Lane] = [:]
    /// How many clients have as many refusals waiting as there may be.
    private var full = 0
    private let loop: any EventLoop
    private let now: () -> Int64

    /// The most that wait for one client: a second and a bit.
    private static let mostWaiting = 64
    /// When there are more clients, those at rest are forgotten.
    private static let manyClients = 256

    init(loop: any EventLoop, now: @escaping () -> Int64) {
        self.loop = loop
        self.now = now
    }

    /// When the next refusal of a client is due: now, or later.
    func due(for client: JSONText, now: Int64) -> Int64 {
        if let lane = lanes[client] { return lane.pace.take(now: now) }
        if lanes.count >= Self.manyClients {
            lanes = lanes.filter { !$0.value.pace.isAtRest(now: now) || !$0.value.waiting.isEmpty }
        }
        let lane = Lane()
        lanes[client] = lane
        return lane.pace.take(now: now)
    }

    /// Takes a refusal in that is due later.
    func add(_ request: DelayedRequest, for client: JSONText, due: Int64) {
        guard let lane = lanes[client] else { return }
        lane.waiting.append((due, request))
        if lane.waiting.count == Self.mostWaiting { full += 1 }
        arm(lane)
    }

    /// Whether the next request of a client has to wait before it is looked at.
    func isFull(for client: JSONText) -> Bool {
        guard full > 0, let lane = lanes[client] else { return false }
        return lane.waiting.count >= Self.mostWaiting
    }

    /// Has a request wait until it may be looked at: then its connection goes on with it.
    func hold(_ request: DelayedRequest, for client: JSONText) {
        guard let lane = lanes[client] else { return }
        if lane.held.count >= lane.manyHeld {
            lane.held = lane.held.filter(\.isWaited)
            lane.manyHeld = max(1024, 2 * lane.held.count)
        }
        lane.held.append(request)
    }

    /// Records all that wait, at once: there is no later.
    func flush() {
        for lane in lanes.values {
            lane.timer?.cancel()
            // An answer lets the next request of its connection in, which may be refused too.
            while let next = lane.waiting.popFirst() { next.request.refuse() }
        }
        lanes = [:]
        full = 0
    }

    /// Records all that wait now, at once: the records to which they belong end.
    func settle() {
        for lane in lanes.values where !lane.waiting.isEmpty {
            if lane.waiting.count == Self.mostWaiting { full -= 1 }
            let waiting = lane.waiting
            lane.waiting = []
            for next in waiting { next.request.refuse() }
            admitHeld(lane)
        }
    }

    private func arm(_ lane: Lane) {
        guard lane.timer == nil, let next = lane.waiting.first else { return }
        let delay = TimeAmount.nanoseconds(max(next.due - now(), 1_000_000))
        lane.timer = loop.assumeIsolated().scheduleTask(in: delay) { self.ring(lane) }
    }

    private func ring(_ lane: Lane) {
        lane.timer = nil
        let now = now()
        while let next = lane.waiting.first, next.due <= now {
            if lane.waiting.count == Self.mostWaiting { full -= 1 }
            lane.waiting.removeFirst()
            next.request.refuse()
            admitHeld(lane)
        }
        arm(lane)
    }

    /// Has held requests looked at, until as many wait again as may.
    private func admitHeld(_ lane: Lane) {
        while lane.waiting.count < Self.mostWaiting, let next = lane.held.popFirst() {
            next.serve()
        }
    }
}
