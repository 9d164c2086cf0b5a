/// Where something is in a document.
@usableFromInline
package struct JSONSpan: Hashable, Sendable {
    /// The first byte.
    @usableFromInline package let lower: Int
    /// The byte after the last.
    @usableFromInline package let upper: Int

    @inlinable
    package init(_ lower: Int, _ upper: Int) {
        self.lower = lower
        self.upper = upper
    }

    @inlinable package var count: Int { upper &- lower }
    @inlinable package var range: Range<Int> { Range(uncheckedBounds: (lower, upper)) }
}

/// The kinds of values, told by their first byte.
package enum JSONKind: Hashable, Sendable {
    case object, array, string, number, bool, null
}

/// An object or an array that is being walked.
package struct JSONFrame {
    fileprivate let base: Int
    fileprivate var isFirst = true
    fileprivate var hasEscapes = false
}

/// One strict pass over a document.
///
/// A caller walks what it wants to see (`beginObject`, `nextName`, ...) and skips the rest with `skipValue`, which
/// checks it just as strictly. Once `finish` has returned, the whole document is valid: UTF-8, no name twice in any
/// object, no control character in a name, no lone surrogate, nothing too deep.
///
/// All state is in this one struct and in a small table on the stack, so that a usual message costs no allocation. The
/// same code as nested functions over captured variables was seven times slower.
@usableFromInline
package struct JSONScanner {
    @usableFromInline package let bytes: UnsafeBufferPointer<UInt8>
    /// The next byte to read.
    package private(set) var offset = 0
    private let maxDepth: Int
    private var depth = 0
    /// Whether names may occur twice, half a surrogate pair may be alone and a number may be of any size: for what is
    /// passed on and not read.
    ///
    /// Where a caller reads names of such an object itself, what occurs twice is its own business.
    package var isLenient = false
    var names: NameStack

    private init(_ bytes: UnsafeBufferPointer<UInt8>, maxDepth: Int, names: NameStack) {
        self.bytes = bytes
        self.maxDepth = maxDepth
        self.names = names
    }

    /// Scans `bytes`, which must be one document as a whole: `body` reads a value and calls nothing after it.
    ///
    /// - Parameters:
    ///   - bytes: the document.
    ///   - limits: its largest size and depth.
    ///   - body: walks the document from its first value on.
    /// - Returns: what `body` returns, once nothing but white space was found behind.
    /// - Throws: the first thing that is wrong.
    package static func scan<Result>(
        _ bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits,
        _ body: (inout JSONScanner) throws(JSONError) -> Result
    ) throws(JSONError) -> Result {
        var result: Result?
        try walk(bytes, limits: limits) { scanner throws(JSONError) in result = try body(&scanner) }
        guard let result else { preconditionFailure("the body was called") }
        return result
    }

    /// Scans `bytes` as `scan` does, where `body` keeps what it finds by itself.
    ///
    /// Not generic: a generic function is not specialized in other modules and then asks the runtime for types, each time.
    package static func walk(
        _ bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits,
        _ body: (inout JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) {
        guard bytes.count <= limits.maxBytes else { throw .ambiguous(.tooLarge, at: limits.maxBytes) }
        try withUnsafeTemporaryAllocation(of: NameStack.Entry.self, capacity: NameStack.usualCapacity) {
            room throws(JSONError) in
            var scanner = JSONScanner(bytes, maxDepth: limits.maxDepth, names: NameStack(room))
            defer { scanner.names.free() }
            try scanner.refuseByteOrderMark()
            try body(&scanner)
            try scanner.finish()
        }
    }

    /// Refuses everything that is not one valid document with an object on top.
    package static func validate(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) throws(JSONError) {
        try scan(bytes, limits: limits) { scanner throws(JSONError) in
            guard try scanner.kind() == .object else { throw .ambiguous(.notAnObject, at: scanner.offset) }
            _ = try scanner.skipValue()
        }
    }

    /// The kind of the next value, behind any white space.
    package mutating func kind() throws(JSONError) -> JSONKind {
        switch try significantByte() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw .syntax(.unexpectedByte, at: offset)
        }
    }

    /// Checks the next value, whatever it is, and moves behind it.
    ///
    /// Calls itself once for each level, and the levels are bounded.
    @discardableResult
    package mutating func skipValue() throws(JSONError) -> JSONSpan {
        let byte = try significantByte()
        let lower = offset
        switch byte {
        case UInt8(ascii: "\""): _ = try stringHere()
        case UInt8(ascii: "{"):
            var frame = try beginObject()
            while try nextName(&frame) != nil {
                try skipValue()
            }
        case UInt8(ascii: "["):
            var frame = try beginArray()
            while try nextElement(&frame) {
                try skipValue()
            }
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
        case UInt8(ascii: "n"): try null()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try number()
        default: throw .syntax(.unexpectedByte, at: offset)
        }
        return JSONSpan(lower, offset)
    }

    // MARK: Objects and arrays

    /// Enters an object.
    package mutating func beginObject() throws(JSONError) -> JSONFrame {
        try descend(UInt8(ascii: "{"))
        return JSONFrame(base: names.count)
    }

    /// Reads the next name of an object and its colon; nil once the object has ended.
    package mutating func nextName(_ frame: inout JSONFrame) throws(JSONError) -> JSONStringSpan? {
        let byte = try significantByte()
        if byte == UInt8(ascii: "}") {
            // `{"a":1,}` does not come here: a comma is only taken together with the name behind it.
            offset += 1
            depth -= 1
            try names.close(downTo: frame.base, hasEscapes: frame.hasEscapes, in: bytes)
            return nil
        }
        if frame.isFirst {
            frame.isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else { throw .syntax(.unexpectedByte, at: offset) }
            offset += 1
        }
        guard try significantByte() == UInt8(ascii: "\"") else { throw .syntax(.unexpectedByte, at: offset) }
        let name = try stringHere()
        if name.isEscaped { frame.hasEscapes = true }
        if !isLenient {
            if !name.isPlain, name.hasControls(in: bytes) { throw .ambiguous(.controlInName, at: name.span.lower) }
            try names.push(name, above: frame.base, in: bytes)
        }
        guard try significantByte() == UInt8(ascii: ":") else { throw .syntax(.unexpectedByte, at: offset) }
        offset += 1
        return name
    }

    /// Enters an array.
    package mutating func beginArray() throws(JSONError) -> JSONFrame {
        try descend(UInt8(ascii: "["))
        return JSONFrame(base: names.count)
    }

    /// Moves to the next element of an array; false once the array has ended.
    package mutating func nextElement(_ frame: inout JSONFrame) throws(JSONError) -> Bool {
        let byte = try significantByte()
        if byte == UInt8(ascii: "]") {
            offset += 1
            depth -= 1
            return false
        }
        if frame.isFirst {
            frame.isFirst = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw .syntax(.unexpectedByte, at: offset) }
        offset += 1
        if try significantByte() == UInt8(ascii: "]") { throw .syntax(.unexpectedByte, at: offset) }
        return true
    }

    /// How many levels are open.
    var openLevels: Int { depth }

    private mutating func descend(_ opening: UInt8) throws(JSONError) {
        guard try significantByte() == opening else { throw .syntax(.unexpectedByte, at: offset) }
        depth += 1
        guard depth <= (isLenient ? Self.lenientDepth : maxDepth) else { throw .ambiguous(.tooDeep, at: offset) }
        offset += 1
    }

    // MARK: Small values

    /// Reads `true` or `false`.
    package mutating func bool() throws(JSONError) -> Bool {
        if try significantByte() == UInt8(ascii: "t") {
            try word("true")
            return true
        }
        try word("false")
        return false
    }

    /// Reads `null`.
    package mutating func null() throws(JSONError) {
        _ = try significantByte()
        try word("null")
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        for index in 0..<length {
            guard offset + index < bytes.count else { throw .syntax(.truncated, at: bytes.count) }
            guard bytes[offset + index] == word.utf8Start[index] else {
                throw .syntax(.unexpectedByte, at: offset + index)
            }
        }
        offset += length
    }

    // MARK: Edges

    /// Skips white space and looks at the byte behind it.
    @inline(__always)
    private mutating func significantByte() throws(JSONError) -> UInt8 {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            offset += 1
        }
        throw .syntax(.truncated, at: offset)
    }

    private func refuseByteOrderMark() throws(JSONError) {
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw .syntax(.byteOrderMark, at: 0)
        }
    }

    private mutating func finish() throws(JSONError) {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
                throw .syntax(.trailingBytes, at: offset)
            }
            offset += 1
        }
    }

    /// Moves on; for the readers of strings and numbers in their own files.
    mutating func move(to offset: Int) {
        self.offset = offset
    }

    /// The byte that a string or number must begin with, behind white space.
    mutating func firstByte() throws(JSONError) -> UInt8 {
        try significantByte()
    }
}
