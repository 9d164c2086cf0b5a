/// How many exchanges of one kind run, and how many of each client.
struct LaneLoad {
    /// How many may run.
    let limit: Int
    /// How many of them one client may have, so that it keeps no other out.
    let share: Int
    /// How many run.
    private(set) var running = 0
    /// By the numbers of clients, which are small.
    private var clients: [Int] = []

    init(limit: Int, share: Int) {
        self.limit = limit
        self.share = share
    }

    /// Whether one more of this client may run now.
    func hasSlot(for client: Int) -> Bool {
        running < limit && (clients.indices.contains(client) ? clients[client] : 0) < share
    }

    mutating func takeSlot(for client: Int) {
        running += 1
        while clients.count <= client { clients.append(0) }
        clients[client] += 1
    }

    mutating func freeSlot(of client: Int) {
        running -= 1
        clients[client] -= 1
    }
}

extension UpstreamConfiguration {
    /// The bounds of one kind of exchange.
    func load(_ lane: ExchangeLane) -> LaneLoad {
        switch lane {
        case .call: LaneLoad(limit: maxCalls, share: min(Self.most(of: maxCalls), max(1, maxConnections / 4)))
        case .stream: LaneLoad(limit: maxStreams, share: maxStreamsOfOneClient)
        case .aside: LaneLoad(limit: maxAsides, share: maxAsides)
        }
    }

    /// The bounds of streams over all servers: each keeps a connection for as long as a client listens.
    var allStreams: LaneLoad {
        let most = max(1, maxConnections / 2)
        return LaneLoad(limit: most, share: Self.most(of: most))
    }

    /// How many of a client may wait for their turn.
    func waitingShare(_ lane: ExchangeLane) -> Int {
        switch lane {
        case .call: Self.most(of: maxWaiting)
        case .stream: min(maxWaiting, maxStreamsOfOneClient)
        case .aside: maxWaiting
        }
    }

    /// The same with fewer streams where there are few files: they stay open for long, and most of the files are for calls.
    func withinFiles() -> UpstreamConfiguration {
        var bounds = self
        bounds.maxStreams = min(maxStreams, max(1, maxConnections / 8))
        bounds.maxStreamsOfOneClient = min(maxStreamsOfOneClient, max(1, maxConnections / 16))
        return bounds
    }

    /// Three quarters: the share of one client.
    private static func most(of all: Int) -> Int { all - all / 4 }
}
