package import AgentState
internal import Errors
internal import Forwarding
internal import ServiceKit
internal import StrictJSON

/// The agent's settings: `config.yaml` in the user's configuration folder, and what the command line says over it.
///
/// ```yaml
/// listen: 127.0.0.1:7717          # where MCP clients connect; port 0 takes a free one
/// origins: []                     # web pages that may call, such as http://localhost:5173
/// limits:
///   body: 4194304                 # the longest request, in bytes
///   head: 65536                   # the longest head of a request, in bytes
///   result: 8388608               # the longest result or event of a server, in bytes
///   pages: 100                    # the most pages of a list that is put together
///   items: 10000                  # the most entries of such a list
///   connections: 4096             # the most connections at a time
///   memory: 100663296             # what all connections may hold together, in bytes
///   session_hours: 24             # how long a session may rest before it is forgotten
/// ```
package struct AgentSettings: Sendable {
    /// `HOST:PORT`; the host is loopback.
    package var listen = "127.0.0.1:7717"
    var forwarding = ForwardingConfiguration()
    /// The longest request that the agent takes, in bytes.
    package var longestMessage: Int { forwarding.longestBody }

    /// The settings of a home.
    ///
    /// - Throws: a file that is malformed or holds what is not a setting: with the file, the place and what to do.
    package init(home: AgentHome) throws {
        let path = "\(home.config)/config.yaml"
        guard let json = try SettingsFile.read(path: path) else { return }
        do {
            try ObjectReader.read(json) { reader in try take(&reader) }
        } catch let error as ShapeError {
            throw SettingsError(message: "\(path): \(error)", next: "Mend \(path), then: doorward agent")
        }
    }

    private mutating func take(_ reader: inout ObjectReader) throws {
        listen = try reader.optionalText("listen") ?? listen
        forwarding.origins = try reader.optionalTexts("origins") ?? []
        _ = try reader.optionalObject("limits") { limits in
            forwarding.longestBody = try limits.optionalInt("body", in: 1024...(256 << 20)) ?? forwarding.longestBody
            forwarding.longestHead = try limits.optionalInt("head", in: 4096...(1 << 20)) ?? forwarding.longestHead
            forwarding.longestReply =
                try limits.optionalInt("result", in: 1024...(256 << 20)) ?? forwarding.longestReply
            forwarding.mostPages = try limits.optionalInt("pages", in: 1...10_000) ?? forwarding.mostPages
            forwarding.mostItems = try limits.optionalInt("items", in: 1...1_000_000) ?? forwarding.mostItems
            let most = try limits.optionalInt("connections", in: 16...65_536)
            forwarding.mostConnections = most ?? forwarding.mostConnections
            forwarding.mostHeld = try limits.optionalInt("memory", in: (16 << 20)...(64 << 30)) ?? forwarding.mostHeld
            let hours = try limits.optionalInt("session_hours", in: 1...8760)
            forwarding.sessionRest = hours.map { .seconds($0 * 3600) } ?? forwarding.sessionRest
        }
    }
}

/// Why the settings are not taken.
struct SettingsError: ExplainedError {
    let code = "bad_settings"
    let message: String
    let next: String?
}
