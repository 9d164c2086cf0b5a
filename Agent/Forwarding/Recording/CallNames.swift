internal import AuditLog
internal import MCP
internal import StrictJSON

/// Names chosen by clients, as records contain them: verbatim if they are plain identifiers, otherwise as a hash.
enum CallNames {
    /// The name as records have it.
    static func name(_ text: UnsafeBufferPointer<UInt8>) -> JSONText { RecordName.plain(JSONText(utf8: text)) }

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

    /// The method in the record of a message that could not be read: the hash of the empty text.
    static let noMethod = RecordName.hash(of: "")
}
