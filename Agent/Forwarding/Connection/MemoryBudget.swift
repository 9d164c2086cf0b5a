internal import NIOCore

/// The bytes that all connections of clients hold together: what was read of requests, what was collected of answers,
/// and what clients leave unread.
///
/// Each connection has bounds of its own, and there may be thousands of connections. Beyond this bound those of the
/// greediest client give way, and among them those of its greediest server: no other client notices.
final class MemoryBudget {
    /// What a connection may hold uncounted; most calls hold less.
    static let free = 16 << 10

    private let most: Int
    private let loop: any EventLoop
    private let table: ConnectionTable
    private(set) var used = 0
    private var isRelieving = false

    init(most: Int, loop: any EventLoop, table: ConnectionTable) {
        self.most = most
        self.loop = loop
        self.table = table
    }

    /// A connection holds so many bytes more, or less.
    func charge(_ bytes: Int) {
        used += bytes
        guard used > most, !isRelieving else { return }
        isRelieving = true
        // Not from within a connection that is in the middle of something.
        loop.assumeIsolated().execute { self.relieve() }
    }

    private func relieve() {
        defer { isRelieving = false }
        while used > most {
            let before = used
            // A little more than needed: looking for the greediest again and again has a price too.
            for connection in Self.greediest(of: table.connections) where used > most - most / 16 {
                connection.giveUp()
            }
            guard used < before else { return }
        }
    }

    /// The connections that give way first: those of the client that holds most, to the server where it holds most, the
    /// largest first.
    ///
    /// Connections that have shown no credential yet are one client.
    static func greediest(of connections: [ClientConnection]) -> [ClientConnection] {
        let holders = connections.filter { $0.held > 0 }
        let byClient = Dictionary(grouping: holders) { $0.owner }
        guard let ofClient = byClient.values.max(by: { sum($0) < sum($1) }) else { return [] }
        let byServer = Dictionary(grouping: ofClient) { $0.call.map { ObjectIdentifier($0.server) } }
        guard let ofServer = byServer.values.max(by: { sum($0) < sum($1) }) else { return [] }
        return ofServer.sorted { $0.held > $1.held }
    }

    private static func sum(_ connections: [ClientConnection]) -> Int {
        connections.reduce(0) { $0 + $1.held }
    }
}
