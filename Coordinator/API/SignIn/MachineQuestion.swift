internal import Bytes
internal import Contract
internal import People

/// What a machine asks its person in a browser: to come in with this key.
///
/// All of it is in the address that the machine opens, so it is what anybody has written who could make the person follow a
/// link. It is shown, and the answer goes to this machine's loopback alone, where whoever made the link is not.
package struct MachineQuestion: Sendable, Equatable {
    /// The 32 bytes of the machine's public key.
    package let key: [UInt8]
    /// The hash of what the machine keeps to itself (RFC 7636, S256).
    let challenge: String
    /// Ties the answer to the machine's own question.
    let state: String
    /// Where the machine waits on its loopback.
    let port: Int
    package let hostname: String
    /// Where the key's private half lives, such as `keyring`.
    package let custody: String

    /// The names of its fields, in an address and in a form.
    static let names: Set = ["key", "challenge", "state", "port", "hostname", "custody"]

    /// Reads a question; throws a `Problem` for a field that is missing or has another form.
    init(_ fields: [String: String]) throws {
        func field(_ name: String, _ isGood: (String) -> Bool) throws -> String {
            guard let text = fields[name], isGood(text) else { throw Problem.badQuery("needs a usable \(name)") }
            return text
        }
        let key = try field("key") { Base64.decodeURL($0.utf8)?.count == 32 }
        self.key = Base64.decodeURL(key.utf8) ?? []
        challenge = try field("challenge") { Base64.decodeURL($0.utf8)?.count == 32 }
        state = try field("state") { (16...128).contains($0.utf8.count) && Base64.decodeURL($0.utf8) != nil }
        port =
            Int(
                try field("port") { text in Int(text).map { String($0) == text && (1024...65535).contains($0) } ?? false
                }
            ) ?? 0
        hostname = try field("hostname") { (1...253).contains($0.utf8.count) && Self.isPlain($0) }
        custody = try field("custody") { (1...32).contains($0.utf8.count) && Self.isPlain($0) }
    }

    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }

    /// What is said yes to.
    var approval: EnrolmentApproval {
        EnrolmentApproval(keyid: KeyFingerprint.of(publicKey: key), challenge: challenge)
    }

    /// The fields of a form that asks the same.
    package var fields: [(name: String, value: String)] {
        [
            ("key", Base64.url(key)), ("challenge", challenge), ("state", state), ("port", "\(port)"),
            ("hostname", hostname), ("custody", custody),
        ]
    }

    /// The origin to which the answer goes.
    package var origin: String { "http://127.0.0.1:\(port)" }

    /// Where the browser brings an answer.
    func answer(_ fields: [(String, String)]) -> String {
        "\(origin)/callback?\(FormBody.query(fields + [("state", state)]))"
    }
}
