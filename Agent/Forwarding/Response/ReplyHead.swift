internal import Wire

/// The head of an answer to a client.
struct ReplyHead {
    /// How the body is told from what follows.
    enum Body {
        case length(Int)
        case chunked
        /// No body, and none is possible (204).
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
    /// The page to which its browser may show the answer (Fetch, "CORS protocol").
    var origin: [UInt8]?
    /// The headers that this page wants to send, where its browser asks whether it may.
    var preflight: [UInt8]?
    /// What may be asked instead (405).
    var allow: StaticString?
    /// What a local page adds.
    var more: [(name: String, value: String)] = []
    /// Whether the connection ends with this answer.
    var closes = false

    /// The most bytes that a head has beside the values of other people in it.
    private static let ownRoom = 768

    /// The most bytes that it has.
    var room: Int {
        Self.ownRoom + (session?.count ?? 0) + (origin?.count ?? 0) + (preflight?.count ?? 0)
            + (more.isEmpty ? 0 : more.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 })
    }

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
        if let origin { writePermission(for: origin, to: &writer) }
        if !more.isEmpty { writeMore(to: &writer) }
        if closes { writer.field("Connection", "close") }
        writer.end()
    }

    private func writeMore(to writer: inout HeadWriter) {
        for field in more {
            Array(field.name.utf8).withUnsafeBufferPointer { name in
                Array(field.value.utf8).withUnsafeBufferPointer { writer.field(name: name, value: $0) }
            }
        }
    }

    private func writePermission(for origin: [UInt8], to writer: inout HeadWriter) {
        origin.withUnsafeBufferPointer { writer.field("Access-Control-Allow-Origin", $0) }
        writer.field("Vary", "Origin")
        guard let preflight else {
            writer.field("Access-Control-Expose-Headers", "Mcp-Session-Id, Doorward-Record")
            return
        }
        writer.field("Access-Control-Allow-Methods", "GET, POST, DELETE")
        if !preflight.isEmpty {
            preflight.withUnsafeBufferPointer { writer.field("Access-Control-Allow-Headers", $0) }
        }
        // Some browsers ask this of a page that speaks to a machine of the local network, and this is the nearest.
        writer.field("Access-Control-Allow-Private-Network", "true")
        writer.field("Access-Control-Max-Age", "600")
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
