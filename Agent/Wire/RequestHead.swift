/// The methods that a gateway of MCP tells apart.
package enum RequestMethod: Hashable, Sendable {
    case get, head, post, put, patch, delete, options, other

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        // Methods are case-sensitive (RFC 9110 section 9.1).
        func isExactly(_ text: StaticString) -> Bool {
            range.count == text.utf8CodeUnitCount
                && range.allSatisfy { bytes[$0] == text.utf8Start[$0 - range.lowerBound] }
        }
        switch (range.count, bytes[range.lowerBound]) {
        case (4, UInt8(ascii: "P")) where isExactly("POST"): self = .post
        case (3, UInt8(ascii: "G")) where isExactly("GET"): self = .get
        case (6, UInt8(ascii: "D")) where isExactly("DELETE"): self = .delete
        case (3, UInt8(ascii: "P")) where isExactly("PUT"): self = .put
        case (4, UInt8(ascii: "H")) where isExactly("HEAD"): self = .head
        case (5, UInt8(ascii: "P")) where isExactly("PATCH"): self = .patch
        case (7, UInt8(ascii: "O")) where isExactly("OPTIONS"): self = .options
        default: self = .other
        }
    }
}

/// A request head, as offsets into the buffer that was scanned.
///
/// `Host` may be absent here though RFC 9112 section 3.2 asks for it: who serves the request decides what to make of that,
/// and must treat it like a wrong one.
@usableFromInline
package struct RequestHead: Sendable {
    package internal(set) var method = RequestMethod.other
    /// The name of the method, for those that are `other`.
    package internal(set) var methodName = ByteSpan.empty
    /// From the slash up to the question mark; percent-encoding is as it came.
    package internal(set) var path = ByteSpan.empty
    /// Behind the question mark; nil without one.
    package internal(set) var query: ByteSpan?
    /// Where the body ends; never `untilClose`.
    package internal(set) var framing = BodyFraming.none
    /// Whether the client wants the connection to stay open.
    package internal(set) var keepsAlive = true
    /// Whether the client waits for `100 Continue` before it sends the body.
    package internal(set) var expectsContinue = false
    /// The kind of the body by `Content-Type`.
    package internal(set) var contentType = MediaType.absent
    /// What the client takes; empty also where there is no `Accept`.
    package internal(set) var accepts: AcceptedTypes = []
    /// Whether there is more than one field `Accept`, which belong together.
    package internal(set) var hasMoreAccept = false
    /// Whether there is a field `Mcp-...` without a place of its own.
    package internal(set) var hasParameters = false
    /// The number of bytes of the whole head, the empty line included.
    package internal(set) var length = 0

    @usableFromInline var fields = InlineArray<21, ByteSpan>(repeating: .empty)
    @usableFromInline var present: UInt32 = 0
    private var fieldsStart = 0

    init() {}

    /// Where the value of a field is; nil without such a field.
    ///
    /// Of a repeated `Accept` or `Connection` it is the first.
    @inlinable
    package subscript(field: RequestField) -> ByteSpan? {
        has(field) ? fields[field.rawValue] : nil
    }

    @inlinable
    package func has(_ field: RequestField) -> Bool {
        present >> UInt32(field.rawValue) & 1 == 1
    }

    /// The value of a field in the buffer that was scanned, valid as long as the buffer is.
    @inlinable
    package func value(_ field: RequestField, in bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8>? {
        self[field]?.slice(of: bytes)
    }

    /// All fields in their order, those with a place of their own included.
    package func fields(in bytes: UnsafeRawBufferPointer) -> HeadFields {
        HeadFields(bytes, from: fieldsStart, length: length)
    }

    /// The fields before `end`, while the head is still being read.
    func fields(in bytes: UnsafeRawBufferPointer, upTo end: Int) -> HeadFields {
        HeadFields(bytes, from: fieldsStart, length: end)
    }

    mutating func set(_ field: RequestField, _ value: ByteSpan) {
        fields[field.rawValue] = value
        present |= 1 << UInt32(field.rawValue)
    }

    mutating func setFieldsStart(_ offset: Int) {
        fieldsStart = offset
    }
}
