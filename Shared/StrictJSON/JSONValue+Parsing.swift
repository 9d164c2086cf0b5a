extension JSONValue {
    /// What the top of a document may be.
    package enum TopLevel: Hashable, Sendable {
        case object, anything
    }

    /// Reads a document that is one object, strictly.
    ///
    /// - Parameters:
    ///   - bytes: the document, nothing but white space around its value.
    ///   - limits: its largest size and depth.
    ///   - topLevel: whether something else than an object will do.
    /// - Throws: the first thing that is wrong or could be read in two ways.
    package init(
        parsing bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits = .message,
        topLevel: TopLevel = .object
    ) throws(JSONError) {
        self = try JSONScanner.scan(bytes, limits: limits) { scanner throws(JSONError) in
            if topLevel == .object, try scanner.kind() != .object { throw .ambiguous(.notAnObject, at: scanner.offset) }
            return try scanner.value()
        }
    }

    /// Reads a document that is one object, strictly.
    package init(
        parsing bytes: [UInt8],
        limits: JSONLimits = .message,
        topLevel: TopLevel = .object
    ) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            try JSONValue(parsing: bytes, limits: limits, topLevel: topLevel)
        }
    }
}

extension JSONScanner {
    /// Reads the next value as a tree.
    package mutating func value() throws(JSONError) -> JSONValue {
        switch try kind() {
        case .object:
            var members: [JSONObject.Member] = []
            var frame = try beginObject()
            while let name = try nextName(&frame) {
                members.append(JSONObject.Member(JSONText(checked: text(name)), try value()))
            }
            return .object(JSONObject(unique: members))
        case .array:
            var elements: [JSONValue] = []
            var frame = try beginArray()
            while try nextElement(&frame) {
                elements.append(try value())
            }
            return .array(elements)
        case .string:
            return .string(JSONText(checked: text(try string())))
        case .number:
            return .number(JSONNumber(checked: bytes[try number().range]))
        case .bool:
            return .bool(try bool())
        case .null:
            try null()
            return .null
        }
    }
}
