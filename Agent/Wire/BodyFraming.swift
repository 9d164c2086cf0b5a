/// Where a body ends (RFC 9112 section 6.3).
package enum BodyFraming: Hashable, Sendable {
    /// There is no body.
    case none
    /// So many bytes, at least one.
    case fixed(Int)
    /// In chunks: `ChunkDecoder` says where it ends.
    case chunked
    /// With the connection: responses only.
    case untilClose
}

/// What a head says of its body, collected field by field.
struct FramingFields {
    private(set) var length: Int?
    private(set) var isChunked = false

    mutating func add(length value: Range<Int>, in bytes: UnsafeRawBufferPointer) -> HeadProblem? {
        guard let number = ByteScan.decimal(bytes, value) else { return .contentLength }
        length = number
        return isChunked ? .twoFramings : nil
    }

    mutating func add(transferCoding value: Range<Int>, in bytes: UnsafeRawBufferPointer) -> HeadProblem? {
        guard ByteScan.matches("chunked", in: bytes, value) else { return .transferCoding }
        isChunked = true
        return length == nil ? nil : .twoFramings
    }

    /// The framing; `otherwise` where the head says nothing.
    func framing(otherwise: BodyFraming) -> BodyFraming {
        if isChunked { return .chunked }
        guard let length else { return otherwise }
        return length == 0 ? .none : .fixed(length)
    }
}
