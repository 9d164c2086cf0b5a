internal import MCP
internal import StrictJSON

/// A list of all servers: each is asked for its part, where that is not known, and those that answer in time are in it.
final class GatheredList: Gathering {
    let isStream = false
    private let connection: ClientConnection
    private let method: MCPMethod
    private let id: [UInt8]
    private let asker: Asker

    init(on connection: ClientConnection, _ method: MCPMethod, id: [UInt8], _ asker: Asker) {
        self.connection = connection
        self.method = method
        self.id = id
        self.asker = asker
    }

    private var every: EveryServer { connection.path.everyServer }

    func start(_ servers: [ServedServer]) {
        connection.gathering = self
        let wanted = servers.filter { every.standing($0) == .ready && isOffered($0) }
        Together.wait(
            for: wanted,
            { server, done in
                every.catalogue.want(method, at: server, for: asker, on: connection) {
                    self.every.used(server, self.asker)
                    done()
                }
            },
            then: { self.answer(servers) }
        )
    }

    /// Whether a server can have such a list, as far as it has said.
    private func isOffered(_ server: ServedServer) -> Bool {
        let facts = every.facts(of: server, for: asker)
        switch method {
        case .toolsList: return facts.has("tools")
        case .promptsList: return facts.has("prompts")
        default: return facts.has("resources")
        }
    }

    func clientGone() {}
    func clientWritable(_ isWritable: Bool) {}

    /// In the order of aliases, and of each server's own list.
    private func answer(_ servers: [ServedServer]) {
        guard connection.gathering === self, let name = ListPart.names(method)?.list else { return }
        connection.gathering = nil
        let now = connection.gate.now()
        // Servers that were taken away while others were asked are not shown any more.
        let still = Set(every.servers(of: asker.visit.client).map(ObjectIdentifier.init))
        var parts: [[ListPart.Entry]] = []
        var ttl = Int.max
        for server in servers where still.contains(ObjectIdentifier(server)) {
            let key = Catalogue.Key(client: asker.visit.client, server: server.alias, method: method, era: asker.era)
            if every.standing(server) == .needsSignIn {
                parts.append(method == .toolsList ? [SignInHelper.entry(server.alias)] : [])
                ttl = 0
            } else {
                parts.append(every.catalogue.entries(key, at: server))
                ttl = min(ttl, every.catalogue.ttl(key, now: now))
            }
        }
        var result = Array(#"{"jsonrpc":"2.0","id":"#.utf8) + id + Array(#","result":{""#.utf8) + name.utf8
        result += Array(#"":["#.utf8)
        result += Self.joined(parts, most: connection.gate.configuration.longestReply)
        result += Array("]".utf8)
        if asker.era == .modern {
            let hints: JSONValue = [
                "resultType": "complete", "ttlMs": .int(ttl == .max ? 0 : ttl), "cacheScope": "private",
                "_meta": ["io.modelcontextprotocol/serverInfo": OwnAnswer.serverInfo],
            ]
            result += Array(",".utf8) + hints.bytes.dropFirst().dropLast()
        }
        connection.answer(result + Array("}}".utf8), session: nil)
    }

    /// All entries with commas between them.
    ///
    /// Where they are more than an answer may have, the parts of the servers that
    /// say most are left out: no server can take the place of the others.
    static func joined(_ parts: [[ListPart.Entry]], most: Int) -> [UInt8] {
        let sizes = parts.map { $0.reduce(0) { $0 + $1.bytes.count + 1 } }
        var left = most - 1024
        var shown: Set<Int> = []
        for index in parts.indices.sorted(by: { sizes[$0] < sizes[$1] }) where sizes[index] <= left {
            left -= sizes[index]
            shown.insert(index)
        }
        var joined: [UInt8] = []
        joined.reserveCapacity(most - 1024 - left)
        for (index, part) in parts.enumerated() where shown.contains(index) {
            for entry in part {
                if !joined.isEmpty { joined.append(UInt8(ascii: ",")) }
                joined += entry.bytes
            }
        }
        return joined
    }
}
