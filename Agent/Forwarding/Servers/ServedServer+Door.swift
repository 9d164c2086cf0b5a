internal import Bridging
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One request as it goes to a server, in the era of the client that it is made for.
///
/// Its bytes are borrowed for as long as it is sent.
struct OutgoingRequest {
    /// Where the fields of its head come from.
    enum Head {
        /// From the request of a client, whose bytes these are.
        case client(RequestHead, UnsafeRawBufferPointer)
        /// From the agent itself.
        case own(OwnHead)
    }

    /// What the agent says in the head of a request of its own.
    struct OwnHead {
        var version: [UInt8]?
        var session: JSONText?
        /// `Mcp-Method` and `Mcp-Name`, as 2026-07-28 wants them.
        var method: [UInt8]?
        var name: [UInt8]?
    }

    var method = RequestMethod.post
    var era = Revisions.Era.handshake
    var rpc = MCPMethod.unknown
    let head: Head
    /// What the message is in, and where in its readable bytes; empty for GET and DELETE.
    let message: ByteBuffer
    let content: Range<Int>
    /// The server's id of the session that it belongs to, in place of the one in the client's head; empty or nil for none.
    var session: JSONText?
    /// Whether the server knows the event behind which the client wants to go on.
    var resumes = true
    var trace: UnsafeBufferPointer<UInt8>?
    var authorization: [UInt8]?
    var lane = ExchangeLane.call
    var client: JSONText = ""
    var clientNumber = 0
    /// The conversation, where the client's address names one.
    var thread: JSONText = ""
    var isRepeatable = false
    /// Whether the server may ask its client such a thing; nil where nobody but the code that judges its answers is to know.
    var mayBeAsked: ((ServerRequest) -> Bool)?
}

// The one way to a server.
extension ServedServer {
    /// Sends a request: over HTTP as it is where the server speaks so, else over the bridge.
    ///
    /// - Parameters:
    ///   - request: what is sent.
    ///   - buffer: memory for the head, to be used again.
    ///   - delegate: hears of the response, never before this returns.
    /// - Returns: the exchange; nil where the head cannot be written.
    func send(
        _ request: OutgoingRequest,
        using buffer: inout ByteBuffer,
        delegate: any ExchangeDelegate
    ) -> UpstreamExchange? {
        guard let upstream, let requestHead else { return bridge.send(bridged(request), delegate: delegate) }
        // Up to here a copy is cheaper than a second write.
        let isShort = request.content.count <= Self.longestJoinedBody
        guard write(request, requestHead, to: &buffer, withBody: isShort) else { return nil }
        let rest =
            isShort
            ? nil
            : request.message.getSlice(
                at: request.message.readerIndex + request.content.lowerBound,
                length: request.content.count
            )
        if bridge.isDirect(request.era, request.rpc) {
            return upstream.send(
                head: buffer,
                body: rest,
                lane: request.lane,
                client: request.clientNumber,
                isRepeatable: request.isRepeatable,
                delegate: delegate
            )
        }
        var bridged = bridged(request)
        bridged.direct = BridgedRequest.Direct(head: buffer, body: rest)
        buffer = ByteBuffer()
        return bridge.send(bridged, delegate: delegate)
    }

    private static let longestJoinedBody = 8192

    private func write(
        _ request: OutgoingRequest,
        _ requestHead: UpstreamRequestHead,
        to buffer: inout ByteBuffer,
        withBody: Bool
    ) -> Bool {
        var parts = UpstreamRequestHead.Parts()
        parts.method = request.method
        parts.bodyLength = request.method == .post ? request.content.count : nil
        parts.trace = request.trace
        parts.isHandshake = request.era == .handshake
        if let session = request.session { parts.session = session.utf8 }
        parts.resumes = request.resumes
        let clientHead =
            switch request.head {
            case .client(let head, _): head.length + (request.session?.utf8.count ?? 0)
            case .own(let own): own.length
            }
        let room =
            requestHead.room(clientHead: clientHead, authorization: request.authorization?.count ?? 0)
            + (withBody ? request.content.count : 0)
        buffer.clear(minimumCapacity: room)
        func write(_ authorization: UnsafeBufferPointer<UInt8>?) -> Bool {
            parts.authorization = authorization
            return buffer.writeHead(reserving: room) { writer in
                switch request.head {
                case .client(let head, let bytes): requestHead.write(parts, client: head, in: bytes, to: &writer)
                case .own(let own): requestHead.write(parts, own: own, to: &writer)
                }
                guard withBody, !request.content.isEmpty else { return }
                request.message.withUnsafeReadableBytes {
                    writer.append(UnsafeRawBufferPointer(rebasing: $0[request.content]))
                }
            }
        }
        guard let authorization = request.authorization else { return write(nil) }
        return authorization.withUnsafeBufferPointer { write($0) }
    }

    /// The same request for the bridge, which keeps what it needs.
    private func bridged(_ request: OutgoingRequest) -> BridgedRequest {
        var bridged = BridgedRequest(method: request.method, era: request.era, rpc: request.rpc)
        switch request.head {
        case .client(let head, let bytes):
            func value(_ field: RequestField) -> [UInt8]? { head.value(field, in: bytes).map { Array($0) } }
            bridged.version = value(.protocolVersion)
            if request.era == .handshake {
                bridged.session = request.session.flatMap { $0.utf8.isEmpty ? nil : $0 }
                if request.resumes { bridged.lastEventID = value(.lastEventID) }
            }
            bridged.parameters = UpstreamRequestHead.parameters(of: head, in: bytes)
        case .own(let own):
            bridged.version = own.version
            bridged.session = own.session
        }
        bridged.body =
            request.message.getSlice(
                at: request.message.readerIndex + request.content.lowerBound,
                length: request.content.count
            ) ?? ByteBuffer()
        bridged.authorization = request.authorization
        bridged.trace = request.trace.map { Array($0) }
        bridged.client = request.client
        bridged.clientNumber = request.clientNumber
        bridged.thread = request.thread
        bridged.lane = request.lane
        bridged.isRepeatable = request.isRepeatable
        if let mayBeAsked = request.mayBeAsked { bridged.mayBeAsked = mayBeAsked }
        return bridged
    }
}

extension OutgoingRequest.OwnHead {
    /// How long it is at most, without the names of its fields.
    fileprivate var length: Int {
        (version?.count ?? 0) + (session?.utf8.count ?? 0) + (method?.count ?? 0) + (name?.count ?? 0)
    }
}
