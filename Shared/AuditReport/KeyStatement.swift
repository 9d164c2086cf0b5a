internal import AuditLog
internal import Errors
internal import StrictJSON
internal import TransparencyLog

/// `keys/AGENT.json`: the key of an agent, and who the person behind the pseudonym is.
///
/// The person's name is here, in a file that the coordinator signs, and in no leaf: a log never forgets.
struct KeyStatement: Sendable, Equatable {
    let agent: String
    let publicKey: VerifyingKey
    let sub: JSONText
    /// The person's e-mail address; nil once it was erased.
    let user: JSONText?

    /// The file: a line of canonical JSON.
    func bytes() throws(ReportError) -> [UInt8] {
        var object: JSONObject = [
            "agent": .text(agent), "public_key": .text(publicKey.base64URL), "sub": .string(sub), "v": 1,
        ]
        if let user { object["user"] = .string(user) }
        do {
            let bytes = try JSONValue.object(object).canonicalBytes()
            return bytes + [UInt8(ascii: "\n")]
        } catch {
            throw ReportError(.content, "the key of agent \(agent) cannot be stated: \(error)")
        }
    }

    init(agent: String, publicKey: VerifyingKey, sub: JSONText, user: JSONText?) {
        self.agent = agent
        self.publicKey = publicKey
        self.sub = sub
        self.user = user
    }

    /// Reads a file; nil for anything but its one spelling.
    init?(parsing bytes: [UInt8]) {
        guard bytes.last == UInt8(ascii: "\n"), let json = try? JSONValue(canonical: Array(bytes.dropLast())) else {
            return nil
        }
        let statement = try? ObjectReader.read(json) { reader -> KeyStatement? in
            _ = try reader.int("v", in: 1...1)
            let agent = try reader.text("agent")
            let key = VerifyingKey(base64URL: try reader.text("public_key"))
            let sub = try reader.required("sub").string
            let hasUser = reader.optional("user") != nil
            let user = hasUser ? try reader.required("user").string : nil
            guard LeafText.agent.holds(agent.utf8), let key, let sub, LeafText.word.holds(sub.utf8),
                !hasUser || user.map(ReportSelection.isLine) == true
            else { return nil }
            return KeyStatement(agent: agent, publicKey: key, sub: sub, user: user)
        }
        guard let statement = statement ?? nil else { return nil }
        self = statement
    }
}
