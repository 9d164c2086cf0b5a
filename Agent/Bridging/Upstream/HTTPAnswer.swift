internal import MCP
internal import NIOCore
internal import Wire

/// An answer of a server over HTTP that is no message of success: its status, and what of its head and body says why.
struct HTTPAnswer {
    let status: Int
    let contentType: MediaType
    /// The fields that the data path acts on: `WWW-Authenticate` (each of them) and `Retry-After`.
    var challenges: [[UInt8]] = []
    var retryAfter: [UInt8]?
    /// Bounded by `longest`.
    var body: [UInt8] = []

    /// What of a body is kept.
    static let longest = 64 << 10

    init(_ head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        status = head.status
        contentType = head.contentType
        retryAfter = head.value(.retryAfter, in: bytes).map { Array($0) }
        guard head.has(.wwwAuthenticate) else { return }
        for field in head.fields(in: bytes) where field.isNamed(.wwwAuthenticate, in: bytes) {
            challenges.append(Array(field.value.slice(of: bytes)))
        }
    }

    init(status: Int) {
        self.status = status
        contentType = .absent
    }

    /// The JSON-RPC error that it is, if it is one.
    var error: PeerMessage? {
        guard contentType == .json, let message = try? PeerMessage(ofServer: body), message.kind == .errorResponse
        else {
            return nil
        }
        return message
    }

    /// Whether the session that was named is not known there: 404, without a word that something else was meant.
    var endsSession: Bool {
        guard status == 404 else { return false }
        let ofRequest = [JSONRPCErrorCode.methodNotFound, .invalidParams].map(\.rawValue)
        return error?.errorCode.map(ofRequest.contains) != true
    }
}
