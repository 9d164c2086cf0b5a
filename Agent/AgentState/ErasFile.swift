internal import ServiceKit
package import StrictJSON

/// Which eras servers speak, kept over a restart so that they are not asked again: a cache, without which it is found out
/// anew.
package struct ErasFile: Sendable {
    /// As the data path has them.
    package let eras: JSONValue

    private static func path(_ home: AgentHome) -> String { home.path(.eras) }
    private static let longest = 4 << 20

    package init(_ eras: JSONValue) {
        self.eras = eras
    }

    /// Writes them down, unless they are written already; throws `FileError`.
    package func keep(_ home: AgentHome) throws {
        let bytes = JSONValue.object(["v": 1, "servers": eras]).bytes
        guard bytes.count <= Self.longest, (try? DurableFile.read(Self.path(home), maxBytes: Self.longest)) != bytes
        else {
            return
        }
        try DurableFile.write(bytes, to: Self.path(home))
    }

    /// What an earlier agent kept; nothing where it kept nothing that can be read.
    package init(_ home: AgentHome) {
        guard let bytes = try? DurableFile.read(Self.path(home), maxBytes: Self.longest),
            let json = try? JSONValue(parsing: bytes), json["v"]?.int == 1, let servers = json["servers"]
        else {
            self.init([])
            return
        }
        self.init(servers)
    }
}
