internal import AuditLog
internal import MCP
internal import StrictJSON

/// How what a stranger names stands in records: as it is where it can be no sentence, else as a hash.
enum CallNames {
    /// A name made of the characters that the protocol has for names of tools, and of those that separate parts.
    static func name(_ text: UnsafeBufferPointer<UInt8>) -> JSONText {
        let name = JSONText(utf8: text)
        return isPlain(text) ? name : RecordName.hash(of: name)
    }

    /// The item of a message, as its records have it.
    static func item(of envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> CallItem {
        guard let item = envelope.item else { return .none }
        return item.name.withText(in: bytes) { text in
            switch item.kind {
            case .tool: .tool(name(text))
            case .prompt: .prompt(name(text))
            case .resource: .resource(uri: text)
            case .task: .none
            }
        }
    }

    /// The method of a message, as its records have it.
    static func method(of envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> JSONText {
        guard envelope.method == .unknown else { return MethodNames.name(envelope.method) }
        return RecordName.hash(of: JSONText(utf8: envelope.methodName?.text(in: bytes) ?? []))
    }

    /// What stands in records for the method of a message that could not be read: the hash of nothing.
    static let noMethod = RecordName.hash(of: "")

    private static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (1...RecordName.maxBytes).contains(text.count) else { return false }
        for byte in text {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: ":"):
                continue
            default:
                return false
            }
        }
        return true
    }
}
