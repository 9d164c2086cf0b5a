/// Why a head is refused: each case is something that two readers could read differently, or a bound.
package enum HeadProblem: Hashable, Sendable {
    /// The first line is not `METHOD SP TARGET SP HTTP/1.1`, or not a status line.
    case startLine
    /// The target is not in origin form (RFC 9112 section 3.2.1), or holds what a URI may not.
    case target
    /// HTTP of another version.
    case version
    /// A NUL, a lone CR, a lone LF or another control character.
    case controlCharacter
    /// A field line without a colon, with white space before it, folded, or with a name that is not a token.
    case fieldLine
    /// A field that may occur only once occurs twice.
    case repeatedField
    /// `Content-Length` is not one number of at most 18 digits.
    case contentLength
    /// `Transfer-Encoding` is anything but `chunked`.
    case transferCoding
    /// `Content-Length` and `Transfer-Encoding` in one head.
    case twoFramings
    /// `Expect` is anything but `100-continue`.
    case expectation
    /// The head is longer than its bound.
    case tooLong
    /// The head has more fields than its bound.
    case tooManyFields
    /// More interim responses than anybody sends.
    case interimResponse
    /// A switch of protocols (101) that the agent did not ask for.
    case protocolSwitch
    /// A content coding that was not asked for, so that the agent cannot look inside.
    case contentCoding

    /// The status that a server answers a request with (RFC 9110 section 15.5, RFC 6585 section 5).
    package var status: Int {
        switch self {
        case .tooLong, .tooManyFields: 431
        case .transferCoding: 501
        case .version: 505
        case .expectation: 417
        case .startLine, .target, .controlCharacter, .fieldLine, .repeatedField, .contentLength, .twoFramings,
            .interimResponse, .protocolSwitch, .contentCoding:
            400
        }
    }

    /// One sentence, safe to show: it quotes nothing.
    package var message: String {
        switch self {
        case .startLine: "The first line of the head is malformed."
        case .target: "The request target is not a plain path."
        case .version: "The version of HTTP is not 1.1."
        case .controlCharacter: "The head holds a control character."
        case .fieldLine: "A header line is malformed."
        case .repeatedField: "A header that must be unique is repeated."
        case .contentLength: "Content-Length is not a number."
        case .transferCoding: "Transfer-Encoding is not chunked."
        case .twoFramings: "Content-Length and Transfer-Encoding contradict each other."
        case .expectation: "The expectation is unknown."
        case .tooLong: "The head is too long."
        case .tooManyFields: "The head has too many headers."
        case .interimResponse: "The interim responses do not end."
        case .protocolSwitch: "It switches to another protocol (HTTP 101), which nobody asked for."
        case .contentCoding: "The content is encoded, which was not asked for."
        }
    }
}

/// How far the scan of a head has come.
package enum HeadScan: Hashable, Sendable {
    /// More bytes are needed; scan again over the same buffer, grown.
    case incomplete
    /// The head is whole: the scanner's `head` is valid.
    case complete
    /// The head is not one that may be acted on; close the connection.
    case refused(HeadProblem)
}
