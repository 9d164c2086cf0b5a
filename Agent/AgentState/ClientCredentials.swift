internal import Bytes
import Foundation
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The credentials of this user's MCP clients, as one file in the state folder.
///
/// A credential is `dwc1_` and 43 characters for 32 random bytes. The file holds only their SHA-256: a reader of the
/// file cannot use any of them. Commands change it, whether or not the agent runs; a running one is told, and reads it
/// again.
package struct ClientCredentials: Sendable {
    /// One client, without its secret.
    package struct Entry: Sendable, Equatable {
        package let name: String
        /// SHA-256 of the whole credential.
        package let hash: [UInt8]
        /// RFC 3339, UTC.
        package let created: String
    }

    private let home: AgentHome
    private var path: String { home.path(.clients) }

    /// The credentials kept in a home.
    package init(home: AgentHome) {
        self.home = home
    }

    /// Everyone who has a credential, in the order in which they were added.
    package func list() throws -> [Entry] {
        guard let bytes = try DurableFile.read(path, maxBytes: 1 << 20) else { return [] }
        do {
            return try ObjectReader.read(try JSONValue(parsing: bytes)) { reader in
                _ = try reader.int("v", in: 1...1)
                return try reader.elements("clients").map { try Entry($0.value, at: $0.place) }
            }
        } catch {
            throw ClientError(
                "clients_damaged",
                "The list of clients in \(path) cannot be read: \(error)",
                next: "Remove that file, then: doorward client add NAME"
            )
        }
    }

    /// Makes a credential; this is the only time that it is seen.
    ///
    /// - Throws: `ClientError` where the name is invalid or taken.
    package func add(_ name: String) throws -> String {
        guard Self.isName(name) else {
            throw ClientError(
                "bad_name",
                "A client is called by 1 to 64 of a-z, A-Z, 0-9, -, _ and .",
                next: "doorward client add my-editor"
            )
        }
        guard name != Self.local else {
            throw ClientError(
                "bad_name",
                "local is what a client on the socket without a credential is called.",
                next: "doorward client add my-editor"
            )
        }
        return try exclusively { entries in
            guard !entries.contains(where: { $0.name == name }) else {
                throw ClientError(
                    "client_exists",
                    "There is a client \(name) already.",
                    next: "doorward client remove \(name), or another name"
                )
            }
            var random = SystemRandomNumberGenerator()
            let secret = (0..<4).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
            let credential = "dwc1_\(Base64.url(secret))"
            entries.append(Entry(name: name, hash: Hash.of(Array(credential.utf8)).bytes, created: Self.now()))
            return credential
        }
    }

    /// Takes a credential away.
    ///
    /// - Throws: `ClientError` where there is no such client.
    package func remove(_ name: String) throws {
        try exclusively { entries in
            guard let index = entries.firstIndex(where: { $0.name == name }) else {
                throw ClientError("unknown_client", "There is no client \(name).", next: "doorward client list")
            }
            entries.remove(at: index)
        }
    }

    /// The name under which rules and records know a peer that comes over the socket without a credential.
    package static let local = "local"

    private func exclusively<Answer>(_ change: (inout [Entry]) throws -> Answer) throws -> Answer {
        try home.makeFolders()
        // Two commands at once must not lose one's change.
        guard let lock = try? FileLock("\(path).lock", waits: true) else {
            throw ClientError("state_folder", "\(path).lock cannot be opened.", next: "Check the owner of that folder.")
        }
        defer { lock.release() }
        var entries = try list()
        let answer = try change(&entries)
        let document: JSONValue = ["v": 1, "clients": .array(entries.map(\.json))]
        try DurableFile.write(document.bytes, to: path)
        return answer
    }

    /// Whether a client may be called so.
    package static func isName(_ name: String) -> Bool {
        let others = Set("-_.".utf8)
        return (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: others.contains(byte)
                }
            }
    }

    private static func now() -> String {
        UTCTime(microseconds: Int(MachineClock.system.wall())).shortText
    }
}

extension ClientCredentials.Entry {
    fileprivate var json: JSONValue {
        ["name": .text(name), "hash": .text(Base64.url(hash)), "created": .text(created)]
    }

    fileprivate init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let hash = Base64.decodeURL(try reader.text("hash").utf8)
            guard let hash, hash.count == 32 else { throw ShapeError(reader.path("hash"), "must be a SHA-256") }
            return Self(name: try reader.text("name"), hash: hash, created: try reader.text("created"))
        }
    }
}
