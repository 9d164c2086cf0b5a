import Foundation
import StrictJSON
import Synchronization

@testable import Forwarding

/// Has tests call sessions by the ids that their servers give them, where the client knows the agent's own ids alone.
final class SessionNames: Sendable {
    private let service: ForwardingService
    private let known: Mutex<[String: String]>

    init(_ service: ForwardingService, known: [String: String] = [:]) {
        self.service = service
        self.known = Mutex(known)
    }

    /// All that were named, also of sessions that have ended.
    var all: [String: String] { known.withLock { $0 } }

    func learn(_ other: [String: String]) { known.withLock { $0.merge(other) { _, new in new } } }

    /// The agent's id of the session that the server calls so; the name itself where there is none.
    func id(of name: String) async -> String {
        let found = await service.onLoop { path in
            path.gate.sessions.all.filter { $0.upstream == JSONText(name) }.map(\.key.id.string)
        }
        return known.withLock { known in
            // Two sessions may have one name at their server: the one that was learnt last counts.
            if let last = known[name], found.isEmpty || found.contains(last) { return last }
            known[name] = found.first ?? known[name]
            return known[name] ?? name
        }
    }

    /// A request with the id that the agent knows.
    func translate(_ request: String) async -> String {
        let field = "Mcp-Session-Id: "
        guard let start = request.range(of: field)?.upperBound,
            let end = request[start...].range(of: "\r\n")?.lowerBound
        else { return request }
        return request[..<start] + (await id(of: String(request[start..<end]))) + request[end...]
    }
}
