internal import AgentState
internal import Errors
internal import Forwarding
internal import MCP
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// What servers showed first of their tools, and what of it is held back, kept over a restart: else every start would be a
/// first use.
struct PinsFile: Sendable {
    let pins: [KeptPins]

    private static let longest = 16 << 20

    init(_ pins: [KeptPins]) {
        self.pins = pins
    }

    func keep(_ home: AgentHome, agent: String) throws {
        let servers = pins.map { pins -> JSONValue in
            [
                "server": .string(pins.server), "entry": .text(pins.entry.base64URL),
                "complete": .bool(pins.isComplete),
                "first": Self.json(pins.first), "held": Self.json(pins.held), "hints": Self.json(pins.hints),
            ]
        }
        let bytes = JSONValue.object(["v": 1, "agent": .text(agent), "servers": .array(servers)]).bytes
        guard bytes.count <= Self.longest else { throw FileError(.tooLarge, "the pins are too many to be kept.") }
        try DurableFile.write(bytes, to: home.path(.pins))
    }

    /// What an earlier agent of this membership left; nothing where it left nothing that can be read: then what the
    /// servers show counts as the first, unless the coordinator says otherwise.
    init(_ home: AgentHome, agent: String) {
        let limits = JSONLimits(maxBytes: Self.longest, maxDepth: 8)
        guard let bytes = try? DurableFile.read(home.path(.pins), maxBytes: Self.longest),
            let json = try? JSONValue(parsing: bytes, limits: limits), json["v"]?.int == 1,
            json["agent"]?.text == agent,
            let servers = json["servers"]?.array
        else {
            self.init([])
            return
        }
        self.init(
            servers.compactMap { server in
                guard let alias = server["server"]?.string, let isComplete = server["complete"]?.bool,
                    let entry = server["entry"]?.text.flatMap({ Hash(base64URL: $0) })
                else { return nil }
                return KeptPins(
                    server: alias,
                    entry: entry,
                    isComplete: isComplete,
                    first: Self.hashes(server["first"]),
                    held: Self.hashes(server["held"]),
                    hints: Self.hints(server["hints"])
                )
            }
        )
    }

    private static func json(_ hashes: [JSONText: Hash]) -> JSONValue {
        .array(hashes.sorted { $0.key < $1.key }.map { .array([.string($0.key), .text($0.value.base64URL)]) })
    }

    private static func json(_ hints: [JSONText: KeptHints]) -> JSONValue {
        .array(
            hints.sorted { $0.key < $1.key }.map { name, kept in
                [.string(name), .text(kept.digest.base64URL), .int(Int(kept.hints.rawValue))]
            }
        )
    }

    private static func hints(_ json: JSONValue?) -> [JSONText: KeptHints] {
        let pairs = (json?.array ?? []).compactMap { entry -> (JSONText, KeptHints)? in
            guard let entry = entry.array, entry.count == 3, let name = entry[0].string,
                let digest = entry[1].text.flatMap({ Hash(base64URL: $0) }),
                let hints = entry[2].int.flatMap({ UInt8(exactly: $0) })
            else { return nil }
            return (name, KeptHints(digest: digest, hints: ToolHints(rawValue: hints)))
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    private static func hashes(_ json: JSONValue?) -> [JSONText: Hash] {
        let pairs = (json?.array ?? []).compactMap { pair -> (JSONText, Hash)? in
            guard let pair = pair.array, pair.count == 2, let name = pair[0].string,
                let hash = pair[1].text.flatMap({ Hash(base64URL: $0) })
            else { return nil }
            return (name, hash)
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}
