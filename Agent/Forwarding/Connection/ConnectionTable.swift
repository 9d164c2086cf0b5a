internal import NIOCore

/// All connections of clients: bounded, with the deadlines of each; belongs to the event loop.
final class ConnectionTable {
    private(set) var connections: [ClientConnection] = []
    /// How many of them have no socket.
    private var inner = 0
    private let loop: any EventLoop
    private let now: () -> Int64
    private let most: Int
    private var schedule = SweepSchedule()
    private var timer: Scheduled<Void>?

    init(loop: any EventLoop, most: Int, now: @escaping () -> Int64) {
        self.loop = loop
        self.most = most
        self.now = now
    }

    /// Takes a connection in; where there are too many, the one idle longest has to go for it.
    func add(_ connection: ClientConnection) {
        if connection.isInner {
            inner += 1
        } else if connections.count - inner >= most {
            // Those without a socket take no file, and end with those that have one.
            connections.lazy.filter { !$0.isInner }.min(by: Self.isIdleLonger)?.evict()
        }
        connection.slot = connections.count
        connections.append(connection)
    }

    func remove(_ connection: ClientConnection) {
        let slot = connection.slot
        guard connections.indices.contains(slot), connections[slot] === connection else { return }
        connections.swapAt(slot, connections.count - 1)
        connections[slot].slot = slot
        connections.removeLast()
        connection.slot = -1
        if connection.isInner { inner -= 1 }
    }

    /// Those that wait for nothing go before those that do; among these the one unused longest.
    private static func isIdleLonger(_ left: ClientConnection, _ right: ClientConnection) -> Bool {
        left.isBusy == right.isBusy ? left.lastActive < right.lastActive : !left.isBusy
    }

    // MARK: Deadlines

    /// A connection has set its deadline.
    func arm(_ deadline: Int64) {
        guard let time = schedule.arm(deadline) else { return }
        setTimer(time)
    }

    private func setTimer(_ time: Int64) {
        timer?.cancel()
        let delay = TimeAmount.nanoseconds(max(time - now(), 1_000_000))
        timer = loop.assumeIsolated().scheduleTask(in: delay) { self.ring() }
    }

    private func ring() {
        let now = now()
        // Dealing with one may take others away.
        for connection in connections where connection.deadline <= now { connection.deadlinePassed(now) }
        let earliest = connections.reduce(Int64.max) { min($0, $1.deadline) }
        if let time = schedule.rang(earliest: earliest) { setTimer(time) }
    }
}
