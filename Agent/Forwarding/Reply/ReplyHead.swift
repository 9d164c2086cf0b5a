internal import Wire

/// The head of an answer to a client.
struct ReplyHead {
    /// How the body is told from what follows.
    enum Body {
        case length(Int)
        case chunked
        /// There is none, and there could be none (204).
        case none
    }

    /// What the body is.
    enum Content {
        case json, events, text
        /// As a local page names it.
        case named(UnsafeBufferPointer<UInt8>)
    }

    var status: Int
    var body: Body
    var content = Content.json
    /// The audit id in its digits; nil for what is not recorded.
    var record: UnsafeBufferPointer<UInt8>?
    /// The id of the session that begins with this answer.
    var session: UnsafeBufferPointer<UInt8>?
    /// What may be asked instead (405).
    var allow: StaticString?
    /// Whether a credential is what is missing (401, RFC 9110 section 15.5.2).
    var isChallenge = false
    /// Whether the connection ends with this answer.
    var closes = false

    /// The most bytes that a head has beside the values in it.
    static let room = 512

    func write(to writer: inout HeadWriter) {
        writer.status(status)
        switch body {
        case .length(let length):
            writeType(to: &writer)
            writer.field("Content-Length", decimal: length)
        case .chunked:
            writeType(to: &writer)
            writer.field("Transfer-Encoding", "chunked")
        case .none:
            break
        }
        if let record { writer.field("Doorward-Record", record) }
        if let session { writer.field("Mcp-Session-Id", session) }
        if let allow { writer.field("Allow", allow) }
        if isChallenge { writer.field("WWW-Authenticate", "Bearer") }
        if closes { writer.field("Connection", "close") }
        writer.end()
    }

    private func writeType(to writer: inout HeadWriter) {
        switch content {
        case .json: writer.field("Content-Type", "application/json")
        case .events:
            writer.field("Content-Type", "text/event-stream")
            writer.field("Cache-Control", "no-cache")
        case .text: writer.field("Content-Type", "text/plain; charset=utf-8")
        case .named(let name): writer.field("Content-Type", name)
        }
    }
}
