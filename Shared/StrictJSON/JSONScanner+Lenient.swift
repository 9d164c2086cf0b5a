extension JSONScanner {
    /// How many levels may be nested in what is passed on and not read.
    static let lenientDepth = 512

    /// Moves behind the next value, of which no more is checked than where it ends and that it is UTF-8.
    ///
    /// For what is passed on byte by byte and not read here: names may occur twice, half a surrogate pair may be alone,
    /// numbers may have any size, `NaN` and `Infinity` included. It does not call itself, so that depth costs no stack.
    @discardableResult
    package mutating func skipLeniently() throws(JSONError) -> JSONSpan {
        let wasLenient = isLenient
        isLenient = true
        defer { isLenient = wasLenient }
        _ = try firstByte()
        let lower = offset
        var open = OpenLevels(outer: openLevels)
        repeat {
            try skipOpening(&open)
        } while try skipClosings(&open)
        return JSONSpan(lower, offset)
    }

    /// Moves to the end of the next value that holds no others, over whatever opens before it.
    private mutating func skipOpening(_ open: inout OpenLevels) throws(JSONError) {
        while true {
            switch try firstByte() {
            case UInt8(ascii: "{"):
                try open.push(isObject: true, at: offset)
                move(to: offset + 1)
                if try firstByte() == UInt8(ascii: "}") { return }
                try skipName()
            case UInt8(ascii: "["):
                try open.push(isObject: false, at: offset)
                move(to: offset + 1)
                if try firstByte() == UInt8(ascii: "]") { return }
            case UInt8(ascii: "\""):
                _ = try stringHere()
                return
            case UInt8(ascii: "t"), UInt8(ascii: "f"):
                _ = try bool()
                return
            case UInt8(ascii: "n"):
                try null()
                return
            default:
                try lenientNumber()
                return
            }
        }
    }

    /// Moves over what ends behind a value; true where another value follows.
    private mutating func skipClosings(_ open: inout OpenLevels) throws(JSONError) -> Bool {
        while let isObject = open.last {
            switch try firstByte() {
            case UInt8(ascii: ","):
                move(to: offset + 1)
                if isObject { try skipName() }
                return true
            case UInt8(ascii: "}") where isObject, UInt8(ascii: "]") where !isObject:
                move(to: offset + 1)
                open.pop()
            default:
                throw JSONError(.syntax(.unexpectedByte), at: offset)
            }
        }
        return false
    }

    private mutating func skipName() throws(JSONError) {
        guard try firstByte() == UInt8(ascii: "\"") else { throw JSONError(.syntax(.unexpectedByte), at: offset) }
        _ = try stringHere()
        guard try firstByte() == UInt8(ascii: ":") else { throw JSONError(.syntax(.unexpectedByte), at: offset) }
        move(to: offset + 1)
    }

    /// Reads a number, or a word that some write in its place; nil for such a word.
    @discardableResult
    mutating func lenientNumber() throws(JSONError) -> JSONSpan? {
        switch try firstByte() {
        case UInt8(ascii: "N"), UInt8(ascii: "I"): break
        case UInt8(ascii: "-") where offset + 1 < bytes.count && bytes[offset + 1] == UInt8(ascii: "I"): break
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw JSONError(.syntax(.unexpectedByte), at: offset)
        }
        let words: [StaticString] = ["NaN", "Infinity", "-Infinity"]
        for word in words where isWord(word) {
            move(to: offset + word.utf8CodeUnitCount)
            return nil
        }
        throw JSONError(.syntax(.unexpectedByte), at: offset)
    }

    private func isWord(_ word: StaticString) -> Bool {
        guard bytes.count - offset >= word.utf8CodeUnitCount else { return false }
        for index in 0..<word.utf8CodeUnitCount where bytes[offset + index] != word.utf8Start[index] { return false }
        return true
    }
}

/// Which levels are open, as one bit each: whether it is an object.
private struct OpenLevels {
    private var bits = InlineArray<8, UInt64>(repeating: 0)
    private var count = 0
    private let most: Int

    init(outer: Int) {
        most = JSONScanner.lenientDepth - outer
    }

    var last: Bool? {
        guard count > 0 else { return nil }
        return bits[(count - 1) >> 6] >> UInt64((count - 1) & 63) & 1 == 1
    }

    mutating func push(isObject: Bool, at offset: Int) throws(JSONError) {
        guard count < most else { throw JSONError(.ambiguous(.tooDeep), at: offset) }
        let bit: UInt64 = 1 << UInt64(count & 63)
        if isObject { bits[count >> 6] |= bit } else { bits[count >> 6] &= ~bit }
        count += 1
    }

    mutating func pop() {
        count -= 1
    }
}
