/// What a `Content-Type` means to a gateway of MCP.
package enum MediaType: Hashable, Sendable {
    /// There is no such header.
    case absent
    /// `application/json`, in UTF-8.
    case json
    /// `text/event-stream`, in UTF-8.
    case eventStream
    /// Anything else, a known type in another charset included.
    case other

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        // As nearly every server spells it.
        if ByteScan.matches("application/json", in: bytes, range) {
            self = .json
            return
        }
        let end = ByteScan.first(UInt8(ascii: ";"), in: bytes, range)
        let type = ByteScan.trimmed(bytes, range.lowerBound..<end)
        let kind: MediaType
        if ByteScan.matches("application/json", in: bytes, type) {
            kind = .json
        } else if ByteScan.matches("text/event-stream", in: bytes, type) {
            kind = .eventStream
        } else {
            self = .other
            return
        }
        self = Self.isUTF8(bytes, end..<range.upperBound) ? kind : .other
    }

    /// Whether no parameter names a charset other than UTF-8; `parameters` begins with a semicolon or is empty.
    private static func isUTF8(_ bytes: UnsafeRawBufferPointer, _ parameters: Range<Int>) -> Bool {
        var start = parameters.lowerBound
        while start < parameters.upperBound {
            let end = ByteScan.first(UInt8(ascii: ";"), in: bytes, start + 1..<parameters.upperBound)
            let equals = ByteScan.first(UInt8(ascii: "="), in: bytes, start + 1..<end)
            if ByteScan.matches("charset", in: bytes, ByteScan.trimmed(bytes, start + 1..<equals)) {
                guard equals < end else { return false }
                var value = ByteScan.trimmed(bytes, equals + 1..<end)
                if value.count >= 2, bytes[value.lowerBound] == 0x22, bytes[value.upperBound - 1] == 0x22 {
                    value = value.lowerBound + 1..<value.upperBound - 1
                }
                guard ByteScan.matches("utf-8", in: bytes, value) else { return false }
            }
            start = end
        }
        return true
    }
}

/// What a client takes in return, by its `Accept` fields (RFC 9110 section 12.5.1).
package struct AcceptedTypes: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let json = Self(rawValue: 1)
    package static let eventStream = Self(rawValue: 2)

    /// Reads one `Accept` field; ranges with a weight of zero are left out.
    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        // As the official clients spell it.
        guard !ByteScan.isExactly("application/json, text/event-stream", in: bytes, range) else {
            self = [.json, .eventStream]
            return
        }
        self = []
        var start = range.lowerBound
        while start < range.upperBound {
            let end = ByteScan.first(UInt8(ascii: ","), in: bytes, start..<range.upperBound)
            insertElement(bytes, start..<end)
            start = end + 1
        }
    }

    private mutating func insertElement(_ bytes: UnsafeRawBufferPointer, _ element: Range<Int>) {
        let end = ByteScan.first(UInt8(ascii: ";"), in: bytes, element)
        let type = ByteScan.trimmed(bytes, element.lowerBound..<end)
        guard end == element.upperBound || !Self.isWeightZero(bytes, end..<element.upperBound) else { return }
        if ByteScan.matches("application/json", in: bytes, type) {
            insert(.json)
        } else if ByteScan.matches("text/event-stream", in: bytes, type) {
            insert(.eventStream)
        } else if Self.isWildcard("*/", bytes, type) {
            formUnion([.json, .eventStream])
        } else if Self.isWildcard("application/", bytes, type) {
            insert(.json)
        } else if Self.isWildcard("text/", bytes, type) {
            insert(.eventStream)
        }
    }

    private static func isWildcard(_ prefix: StaticString, _ bytes: UnsafeRawBufferPointer, _ type: Range<Int>) -> Bool
    {
        guard type.count == prefix.utf8CodeUnitCount + 1, bytes[type.upperBound - 1] == UInt8(ascii: "*") else {
            return false
        }
        return ByteScan.matches(prefix, in: bytes, type.lowerBound..<type.upperBound - 1)
    }

    /// Whether there is a parameter `q` of zero; `parameters` begins with a semicolon.
    private static func isWeightZero(_ bytes: UnsafeRawBufferPointer, _ parameters: Range<Int>) -> Bool {
        var start = parameters.lowerBound
        while start < parameters.upperBound {
            let end = ByteScan.first(UInt8(ascii: ";"), in: bytes, start + 1..<parameters.upperBound)
            let parameter = ByteScan.trimmed(bytes, start + 1..<end)
            if parameter.count >= 3, bytes[parameter.lowerBound] | 0x20 == UInt8(ascii: "q"),
                bytes[parameter.lowerBound + 1] == UInt8(ascii: "=")
            {
                return bytes[parameter.lowerBound + 2..<parameter.upperBound]
                    .allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
            }
            start = end
        }
        return false
    }
}
