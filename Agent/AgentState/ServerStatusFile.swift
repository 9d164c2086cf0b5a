internal import ServiceKit
package import StrictJSON

/// How the servers did when an agent last looked, for those who ask while none runs.
package struct ServerStatusFile: Sendable {
    private let documents: [JSONValue]

    private static func path(_ home: AgentHome) -> String { home.path(.servers) }

    /// The states of servers.
    ///
    /// - Parameter documents: as `doorward servers` shows them.
    package init(_ documents: [JSONValue]) {
        self.documents = documents
    }

    /// Keeps them for a membership, unless they are kept already.
    package func keep(_ home: AgentHome, agent: String) throws {
        let bytes = JSONValue.object(["v": 1, "agent": .text(agent), "servers": .array(documents)]).bytes
        guard (try? DurableFile.read(Self.path(home), maxBytes: Self.longest)) != bytes else { return }
        try DurableFile.write(bytes, to: Self.path(home))
    }

    /// What an earlier agent of this membership kept; nothing where it kept nothing that can be read.
    package init(_ home: AgentHome, agent: String) {
        guard let bytes = try? DurableFile.read(Self.path(home), maxBytes: Self.longest),
            let json = try? JSONValue(parsing: bytes), json["v"]?.int == 1, json["agent"]?.text == agent,
            let documents = json["servers"]?.array
        else {
            self.init([])
            return
        }
        self.init(documents)
    }

    /// How the server of this alias did.
    package subscript(alias: String) -> JSONValue? { documents.first { $0["alias"]?.text == alias } }

    private static let longest = 4 << 20
}
