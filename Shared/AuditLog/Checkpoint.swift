/// The state of a log (c2sp.org/tlog-checkpoint): how many leaves it has and what their root is.
package struct Checkpoint: Sendable, Hashable {
    /// Which log: `HOST/audit`, `HOST/audit/epoch-N` after a restart, or `HOST/agent/AGENT_ID`.
    package let origin: String
    /// The number of leaves, at most 2^53 - 1.
    package let size: UInt64
    package let root: Hash

    /// The largest size: what canonical JSON can write.
    package static let maxSize: UInt64 = 1 << 53 - 1

    /// Whether a text can be a log's name: 1 to 255 printable ASCII characters without blanks and `+`.
    ///
    /// It is a line of a note and the name of its signature.
    static func isOrigin(_ text: some StringProtocol) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2B }
    }

    package init(origin: String, size: UInt64, root: Hash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// The text of the note: three lines.
    package var text: [UInt8] {
        Array("\(origin)\n\(size)\n\(root.base64)\n".utf8)
    }

    /// Reads the text of a note, which must have exactly the three lines; a log without leaves has the root of none.
    package init(parsing text: [UInt8]) throws(AuditLogError) {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count == 4, let size = UInt64(String(decoding: lines[1], as: UTF8.self)), size <= Self.maxSize,
            let root = Hash(base64: lines[2])
        else { throw AuditLogError(.malformed, "this is not a checkpoint") }
        self.init(origin: String(decoding: lines[0], as: UTF8.self), size: size, root: root)
        guard self.text == text, Self.isOrigin(origin), size > 0 || root == .empty else {
            throw AuditLogError(.malformed, "this is not a checkpoint")
        }
    }

    /// The checkpoint as a note that its log's key signs; the signature's name is the origin.
    package func signed(by key: SigningKey) throws -> Note {
        try Note.sign(text, name: origin, key: key)
    }
}

/// The names under which a coordinator's logs and documents go: the origin lines of its notes.
package struct LogNames: Sendable, Hashable {
    /// The host, and the port where it is not the scheme's own, of the coordinator's URL.
    package let host: String

    package init(host: String) {
        self.host = host
    }

    /// The names that belong to an org log; nil where `audit` is no name of one.
    package init?(audit: String) {
        guard audit.hasSuffix("/audit"), audit.utf8.count > 6 else { return nil }
        host = String(audit.dropLast(6))
    }

    /// The org log, the audience of signed requests, and the name under which the coordinator countersigns agents' logs.
    package var audit: String { "\(host)/audit" }

    /// The name under which states of the org log are signed since it was restarted under the number `epoch`; before any
    /// restart the epoch is 0.
    package func audit(epoch: Int) -> String { epoch == 0 ? audit : "\(audit)/epoch-\(epoch)" }

    /// The epoch of a state of the org log, by its origin line; nil if the line is not of this log.
    package func epoch(origin: String) -> Int? {
        if origin.utf8.elementsEqual(audit.utf8) { return 0 }
        guard let epoch = Int(origin.dropFirst("\(audit)/epoch-".count)), epoch > 0, epoch <= Int(Checkpoint.maxSize),
            audit(epoch: epoch).utf8.elementsEqual(origin.utf8)
        else { return nil }
        return epoch
    }

    package var bundle: String { "\(host)/bundle" }
    package var binding: String { "\(host)/binding" }
    package var entries: String { "\(host)/entries" }
    /// What says of one agent which documents belong together.
    package var state: String { "\(host)/state" }
    /// Where the coordinator says that a machine's key is revoked.
    package var revocation: String { "\(host)/revocation" }
    package var report: String { "\(host)/report" }

    /// The log of one agent.
    package func agent(_ id: String) -> String { "\(host)/agent/\(id)" }
}
