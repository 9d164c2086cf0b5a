/// The fields of a response that a gateway acts on; each has a place of its own in `ResponseHead`.
///
/// `wwwAuthenticate`, `connection`, `keepAlive` and `retryAfter` may repeat: their place holds the first, and
/// `ResponseHead.fields(in:)` shows all.
@usableFromInline
package enum ResponseField: Int, CaseIterable, Sendable {
    case contentType
    case contentLength
    case contentEncoding
    case transferEncoding
    case connection
    case keepAlive
    case sessionID
    case wwwAuthenticate
    case retryAfter
    case location

    /// In lower case.
    package var name: StaticString {
        switch self {
        case .contentType: "content-type"
        case .contentLength: "content-length"
        case .contentEncoding: "content-encoding"
        case .transferEncoding: "transfer-encoding"
        case .connection: "connection"
        case .keepAlive: "keep-alive"
        case .sessionID: "mcp-session-id"
        case .wwwAuthenticate: "www-authenticate"
        case .retryAfter: "retry-after"
        case .location: "location"
        }
    }

    /// The one field whose name may be this, by length and first letter; the name is still to be compared.
    static func candidate(length: Int, first: UInt8) -> Self? {
        switch (length, first | 0x20) {
        case (8, UInt8(ascii: "l")): .location
        case (10, UInt8(ascii: "c")): .connection
        case (10, UInt8(ascii: "k")): .keepAlive
        case (11, UInt8(ascii: "r")): .retryAfter
        case (12, UInt8(ascii: "c")): .contentType
        case (14, UInt8(ascii: "c")): .contentLength
        case (14, UInt8(ascii: "m")): .sessionID
        case (16, UInt8(ascii: "c")): .contentEncoding
        case (16, UInt8(ascii: "w")): .wwwAuthenticate
        case (17, UInt8(ascii: "t")): .transferEncoding
        default: nil
        }
    }
}

/// A response head, as offsets into the buffer that was scanned.
@usableFromInline
package struct ResponseHead: Sendable {
    /// 200 to 599.
    package internal(set) var status = 0
    /// Where the body ends.
    package internal(set) var framing = BodyFraming.none
    /// Whether the connection may be used again once the body has ended.
    package internal(set) var keepsAlive = false
    /// For how many seconds the server keeps an idle connection, where `Keep-Alive` says so.
    package internal(set) var keepAliveSeconds: Int?
    /// The kind of the body by `Content-Type`.
    package internal(set) var contentType = MediaType.absent
    /// Whether a content coding hides the body; then the status is not one of success.
    package internal(set) var isEncoded = false
    /// The offset behind the head, and behind the interim responses before it.
    package internal(set) var length = 0

    @usableFromInline var fields = InlineArray<10, ByteSpan>(repeating: .empty)
    @usableFromInline var present: UInt32 = 0
    private var fieldsStart = 0

    init() {}

    /// Where the value of a field is; nil without such a field.
    @inlinable
    package subscript(field: ResponseField) -> ByteSpan? {
        has(field) ? fields[field.rawValue] : nil
    }

    @inlinable
    package func has(_ field: ResponseField) -> Bool {
        present >> UInt32(field.rawValue) & 1 == 1
    }

    /// The value of a field in the buffer that was scanned, valid as long as the buffer is.
    @inlinable
    package func value(_ field: ResponseField, in bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8>? {
        self[field]?.slice(of: bytes)
    }

    /// All fields in their order, those with a place of their own included.
    package func fields(in bytes: UnsafeRawBufferPointer) -> HeadFields {
        HeadFields(bytes, from: fieldsStart, length: length)
    }

    mutating func set(_ field: ResponseField, _ value: ByteSpan) {
        fields[field.rawValue] = value
        present |= 1 << UInt32(field.rawValue)
    }

    mutating func setFieldsStart(_ offset: Int) {
        fieldsStart = offset
    }
}
