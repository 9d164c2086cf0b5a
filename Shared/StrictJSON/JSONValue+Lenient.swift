extension JSONValue {
    /// Reads what a server answered, for showing it: never for deciding on it.
    ///
    /// Of a name that occurs twice the last one counts, half a surrogate pair becomes U+FFFD, and what is no number of
    /// JSON (`NaN`) becomes null, so that what is shown is a document again.
    ///
    /// - Parameters:
    ///   - bytes: the document.
    ///   - limits: its largest size; it may be 512 deep.
    /// - Throws: why it cannot be read.
    package init(lenientlyParsing bytes: [UInt8], limits: JSONLimits = .reply) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            try JSONScanner.scan(bytes, limits: limits) { scanner throws(JSONError) in
                scanner.isLenient = true
                return try scanner.lenientValue()
            }
        }
    }
}

extension JSONScanner {
    fileprivate mutating func lenientValue() throws(JSONError) -> JSONValue {
        switch try firstByte() {
        case UInt8(ascii: "{"):
            var members: [JSONObject.Member] = []
            var places: [JSONText: Int] = [:]
            var frame = try beginObject()
            while let name = try nextName(&frame) {
                let member = JSONObject.Member(JSONText(checked: text(name)), try lenientValue())
                if let place = places[member.name] {
                    members[place] = member
                } else {
                    places[member.name] = members.count
                    members.append(member)
                }
            }
            return .object(JSONObject(unique: members))
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            var frame = try beginArray()
            while try nextElement(&frame) { elements.append(try lenientValue()) }
            return .array(elements)
        case UInt8(ascii: "\""):
            return .string(JSONText(checked: text(try string())))
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            return .bool(try bool())
        case UInt8(ascii: "n"):
            try null()
            return .null
        default:
            return try lenientNumber().map { .number(JSONNumber(checked: bytes[$0.range])) } ?? .null
        }
    }
}
