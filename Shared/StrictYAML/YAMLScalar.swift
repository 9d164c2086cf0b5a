internal import CYaml
internal import StrictJSON

/// One scalar, as it was written.
struct YAMLScalar {
    private let bytes: [UInt8]
    private let isPlain: Bool
    private let mark: yaml_mark_t

    init(_ event: yaml_event_t) {
        let scalar = event.data.scalar
        bytes = Array(UnsafeBufferPointer(start: scalar.value, count: scalar.length))
        isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
        mark = event.start_mark
    }

    /// What it means.
    var value: JSONValue {
        guard isPlain else { return .string(JSONText(utf8: bytes)) }
        switch bytes {
        case [], Array("~".utf8), Array("null".utf8): return .null
        case Array("true".utf8): return .bool(true)
        case Array("false".utf8): return .bool(false)
        default:
            if let int = JSONNumber.plainInteger(bytes) { return .int(int) }
            return .string(JSONText(utf8: bytes))
        }
    }

    /// The name of a member.
    func name() throws(YAMLError) -> JSONText {
        if isPlain, bytes == Array("<<".utf8) { throw YAMLError(.mergeKey, at: mark) }
        guard case .string(let name) = value else { throw YAMLError(.nameNotText, at: mark) }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { throw YAMLError(.controlInName, at: mark) }
        return name
    }
}
