extension JSONScanner {
    /// Reads a number and returns where its literal is.
    package mutating func number() throws(JSONError) -> JSONSpan {
        _ = try firstByte()
        let lower = offset
        var position = lower
        if byte(at: position) == UInt8(ascii: "-") { position += 1 }
        let whole = try digits(from: position)
        if whole - position > 1, bytes[position] == UInt8(ascii: "0") { throw .syntax(.badNumber, at: position) }
        let wholeDigits = whole - position
        position = whole
        var isWide = wholeDigits > 300
        if byte(at: position) == UInt8(ascii: ".") {
            position = try digits(from: position + 1)
        }
        if let mark = byte(at: position), mark | 0x20 == UInt8(ascii: "e") {
            isWide = true
            position += 1
            if let sign = byte(at: position), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            position = try digits(from: position)
        }
        let span = JSONSpan(lower, position)
        if isWide, !isLenient { try refuseInfinity(span) }
        move(to: position)
        return span
    }

    /// Refuses what one parser reads as infinity, the next as an error and the third as a big number.
    private func refuseInfinity(_ span: JSONSpan) throws(JSONError) {
        // No client needs so many digits, and conversions of them cost more than their length.
        guard span.count <= 1024 else { throw .ambiguous(.numberOutOfRange, at: span.lower) }
        guard let value = Double(String(decoding: bytes[span.range], as: UTF8.self)), value.isFinite else {
            throw .ambiguous(.numberOutOfRange, at: span.lower)
        }
    }

    /// Skips one digit or more.
    private func digits(from start: Int) throws(JSONError) -> Int {
        var position = start
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard position > start else {
            throw position < bytes.count ? .syntax(.badNumber, at: position) : .syntax(.truncated, at: position)
        }
        return position
    }

    private func byte(at position: Int) -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }
}
