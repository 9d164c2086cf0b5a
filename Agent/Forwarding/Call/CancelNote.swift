internal import StrictJSON

/// What a server has to be told when the client no longer waits for its answer to a request, in the handshake era.
struct CancelNote {
    let server: ServedServer
    /// The session's id; nil or empty without one.
    let session: JSONText?
    let version: [UInt8]?
    let authorization: [UInt8]?
    /// The literal of the request's id.
    let id: [UInt8]

    /// Tells it, with a word for why the client no longer waits.
    func send(_ reason: StaticString, on path: DataPath) {
        var body = Array(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#.utf8)
        body += id
        body += Array(#","reason":""#.utf8)
        reason.withUTF8Buffer { body += $0 }
        body += Array(#""}}"#.utf8)
        OneWayExchange.send(
            body,
            to: server,
            session: session,
            version: version,
            authorization: authorization,
            path: path
        )
    }
}
