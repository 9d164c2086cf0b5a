package import AgentState
internal import Forwarding
internal import ServiceKit
internal import StrictJSON

/// Where the agent of a home was last to be found, for commands that must say so without asking it.
package enum AgentAddress {
    private static func path(_ home: AgentHome) -> String { home.path(.address) }

    /// `HOST:PORT` of the last run, or what the settings say; the standard address where neither says anything.
    package static func last(_ home: AgentHome) -> String {
        if let bytes = try? DurableFile.read(path(home), maxBytes: 4096),
            let listen = (try? JSONValue(parsing: bytes))?["listen"]?.text, let address = try? ListenAddress(listen)
        {
            return address.description
        }
        return (try? AgentSettings(home: home))?.listen ?? ListenAddress.standard.description
    }

    static func keep(_ listen: String, _ home: AgentHome) throws {
        try DurableFile.write(JSONValue.object(["listen": .text(listen)]).bytes, to: path(home))
    }
}
