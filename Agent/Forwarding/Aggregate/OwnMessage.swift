internal import MCP
internal import StrictJSON

/// What a client of the endpoint of all servers says, in the words of the one server to which it goes.
struct OwnMessage {
    /// A place in the client's message, and the literal that stands there instead.
    private struct Change {
        let span: JSONSpan
        let literal: [UInt8]
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var changes: [Change] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// Puts the server's own name or URI in the place of the one that the client has for it.
    mutating func rename(_ item: Envelope.Item, _ own: JSONText) {
        changes.append(Change(span: item.name.literal, literal: JSONValue.string(own).bytes))
    }

    /// Puts the literal of an id or of a token in the place of another one.
    mutating func replace(_ span: JSONSpan, _ literal: [UInt8]) {
        changes.append(Change(span: span, literal: literal))
    }

    /// Gives arguments that are URIs of the server's resources back as the server gave them: a model copies what it was
    /// shown.
    mutating func restoreURIs(in arguments: JSONSpan?, of alias: JSONText) {
        guard let arguments else { return }
        let literal = UnsafeBufferPointer(rebasing: bytes[arguments.range])
        let limits = JSONLimits(maxBytes: literal.count, maxDepth: JSONLimits.message.maxDepth)
        guard literal.contains(UInt8(ascii: "+")),
            let value = try? JSONValue(parsing: literal, limits: limits, topLevel: .anything)
        else { return }
        let restored = Self.restored(value, of: alias)
        if restored != value { changes.append(Change(span: arguments, literal: restored.bytes)) }
    }

    private static func restored(_ value: JSONValue, of alias: JSONText) -> JSONValue {
        switch value {
        case .string(let text):
            guard let parts = ExposedURI.parts(of: text), parts.alias == alias else { return value }
            return .string(parts.uri)
        case .array(let elements): return .array(elements.map { restored($0, of: alias) })
        case .object(let object):
            return .object(
                JSONObject(unique: object.members.map { JSONObject.Member($0.name, restored($0.value, of: alias)) })
            )
        case .null, .bool, .number: return value
        }
    }

    /// The message with all changes.
    var message: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 64)
        var position = 0
        for change in changes.sorted(by: { $0.span.lower < $1.span.lower }) {
            output += bytes[position..<change.span.lower]
            output += change.literal
            position = change.span.upper
        }
        return output + bytes[position...]
    }
}
