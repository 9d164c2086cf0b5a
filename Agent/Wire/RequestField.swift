/// The fields of a request that a gateway acts on; each has a place of its own in `RequestHead`.
///
/// All of them may occur only once, but `accept` and `connection`, whose fields are read together into `accepts` and
/// `keepsAlive`.
@usableFromInline
package enum RequestField: Int, CaseIterable, Sendable {
    case host
    case origin
    case authorization
    case contentType
    case accept
    case contentLength
    case transferEncoding
    case connection
    case expect
    case sessionID
    case protocolVersion
    case method
    case name
    case lastEventID
    case traceparent
    case fetchSite
    case account
    case client
    case userAgent
    case requestedHeaders
    case contentEncoding

    /// In lower case.
    package var name: StaticString {
        switch self {
        case .host: "host"
        case .origin: "origin"
        case .authorization: "authorization"
        case .contentType: "content-type"
        case .accept: "accept"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .connection: "connection"
        case .expect: "expect"
        case .sessionID: "mcp-session-id"
        case .protocolVersion: "mcp-protocol-version"
        case .method: "mcp-method"
        case .name: "mcp-name"
        case .lastEventID: "last-event-id"
        case .traceparent: "traceparent"
        case .fetchSite: "sec-fetch-site"
        case .account: "doorward-account"
        case .client: "doorward-client"
        case .userAgent: "user-agent"
        case .requestedHeaders: "access-control-request-headers"
        case .contentEncoding: "content-encoding"
        }
    }

    /// The one field whose name may be this, by length and first letter; the name is still to be compared.
    static func candidate(length: Int, first: UInt8) -> Self? {
        switch (length, first | 0x20) {
        case (4, UInt8(ascii: "h")): .host
        case (6, UInt8(ascii: "o")): .origin
        case (6, UInt8(ascii: "a")): .accept
        case (6, UInt8(ascii: "e")): .expect
        case (8, UInt8(ascii: "m")): .name
        case (10, UInt8(ascii: "c")): .connection
        case (10, UInt8(ascii: "m")): .method
        case (10, UInt8(ascii: "u")): .userAgent
        case (11, UInt8(ascii: "t")): .traceparent
        case (12, UInt8(ascii: "c")): .contentType
        case (13, UInt8(ascii: "a")): .authorization
        case (13, UInt8(ascii: "l")): .lastEventID
        case (14, UInt8(ascii: "c")): .contentLength
        case (14, UInt8(ascii: "m")): .sessionID
        case (14, UInt8(ascii: "s")): .fetchSite
        case (15, UInt8(ascii: "d")): .client
        case (16, UInt8(ascii: "c")): .contentEncoding
        case (16, UInt8(ascii: "d")): .account
        case (17, UInt8(ascii: "t")): .transferEncoding
        case (20, UInt8(ascii: "m")): .protocolVersion
        case (30, UInt8(ascii: "a")): .requestedHeaders
        default: nil
        }
    }
}
