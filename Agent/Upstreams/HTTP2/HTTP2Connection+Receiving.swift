import NIOCore
import NIOHPACK
import NIOHTTP2
import Wire

// From frames to the response of an exchange.
extension HTTP2Connection {
    func receive(_ content: HTTP2Frame.FramePayload.Headers, of id: HTTP2StreamID) {
        guard let stream = streams[id] else { return }
        // Behind the body come fields that nobody asks for (RFC 9113 section 8.1).
        guard stream.phase == .head else {
            if content.endStream { finish(stream) }
            return
        }
        guard let status = content.headers.first(name: ":status").flatMap({ Int($0) }), status != 101 else {
            return refuse(stream, .noResponse)
        }
        guard status >= 200 else {
            stream.interims += 1
            if stream.interims > HTTP2Limits.interims || content.endStream { refuse(stream, .noResponse) }
            return
        }
        guard let head = ByteBuffer(content.headers, status: status, isWhole: content.endStream) else {
            return refuse(stream, .noResponse)
        }
        var scanner = ResponseHeadScanner(maxBytes: server.configuration.maxHeadBytes)
        let result = head.withUnsafeReadableBytes { scanner.scan($0) }
        if case .refused(let problem) = result {
            return refuse(
                stream,
                UpstreamError(.malformedResponse, "The server's answer is refused. " + problem.message)
            )
        }
        guard case .complete = result, scanner.head.framing != .chunked else { return refuse(stream, .noResponse) }
        stream.phase = .body
        stream.hasBody = scanner.head.framing != .none
        stream.exchange.forgetRequest()
        head.withUnsafeReadableBytes { bytes in
            stream.exchange.delegate?.exchangeReceived(head: scanner.head, in: bytes)
        }
        if content.endStream { finish(stream) }
    }

    func receive(_ content: HTTP2Frame.FramePayload.Data, of id: HTTP2StreamID) {
        guard let stream = streams[id], case .byteBuffer(let bytes) = content.data else { return }
        guard stream.phase == .body, stream.hasBody || bytes.readableBytes == 0 else {
            return refuse(stream, .noResponse)
        }
        if bytes.readableBytes > 0 {
            if pace.isDue(bytes.readableBytes), let channel = context?.channel {
                pace.adjust(self, in: channel, server.pool.shares, isWanted: true)
            }
            stream.exchange.delegate?.exchangeReceived(body: bytes)
        }
        if content.endStream { finish(stream) }
    }

    /// The response is whole: first there is room for another, then its end is told.
    private func finish(_ stream: HTTP2Stream) {
        guard streams[stream.id] === stream else { return }
        // The server wants no more of a request that it has answered before it had all of it.
        if stream.isSent { streams[stream.id] = nil } else { reset(stream) }
        let now = server.loop.now
        let delegate = stream.exchange.end()
        server.exchangeEnded(stream.exchange, at: now)
        delegate?.exchangeEnded()
        emptied(at: now)
    }

    /// What a stream brought is against the rules.
    func refuse(_ stream: HTTP2Stream, _ error: UpstreamError) {
        guard streams[stream.id] === stream else { return }
        reset(stream)
        lose(stream, error)
        emptied(at: server.loop.now)
    }
}
