import NIOCore
import NIOHTTP2
import NIOTLS

/// One connection of HTTP/2 to a server: the last handler of its channel, which carries many exchanges at a time.
///
/// The frames, their compression and the rules about both are the library's (`NIOHTTP2Handler`); what belongs to which
/// exchange, and how much of it is taken, is decided here.
final class HTTP2Connection: ChannelInboundHandler, ServerConnection {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    enum Phase {
        /// The server has not yet said what it can do (its `SETTINGS`).
        case opening
        case open
        /// It takes no new exchanges, and ends with those that run.
        case leaving
        case closed
    }

    let server: UpstreamServer
    let sessions: HTTP2Sessions
    let frames = WrittenFrames()
    var context: ChannelHandlerContext?
    var transport: TransportEnd?
    var phase = Phase.opening
    var streams: [HTTP2StreamID: HTTP2Stream] = [:]
    var nextID = HTTP2StreamID(1)
    /// How many exchanges may run on it at a time.
    var room = HTTP2Limits.streams
    /// Whether what was written goes out at the end of this turn of the loop.
    var isHeld = false
    /// Whether an exchange is being sent, whose delegate must not hear of anything yet.
    var isStarting = false
    let watch: HTTP2Watch
    private var hasFile = true
    var pace = PacedReading()
    private var lastError: UpstreamError?
    /// Whether HTTP/2 was agreed on.
    private var isAgreed = false
    /// Whether it was refused, so that the server may speak HTTP/1.1.
    private(set) var isRefused = false
    private var timer: Scheduled<Void>?
    /// Since when it carries nothing.
    private(set) var restingSince = NIODeadline.uptimeNanoseconds(0)

    init(sessions: HTTP2Sessions) {
        self.sessions = sessions
        server = sessions.server
        watch = HTTP2Watch(sessions.server.configuration)
    }

    // MARK: Beginning

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        transport = nil
    }

    /// TCP stands: TLS and the first words have to follow until then.
    func begin(until deadline: NIODeadline) {
        timer = server.loop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.lastError = .connectTimeout
            self.cut()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let agreed):
            isAgreed = agreed == HTTP2Limits.name
            if !isAgreed { refuseProtocol() }
        case let event as NIOHTTP2WindowUpdatedEvent where event.streamID == .rootStream:
            // Each stream has a bound of its own, so that what all of them bring is never too much.
            if let window = event.inboundWindowSize {
                widen(.rootStream, from: window, to: HTTP2Limits.connectionWindow)
            }
        case let event as NIOHTTP2WindowUpdatedEvent:
            guard let stream = streams[event.streamID] else { return }
            stream.window = event.inboundWindowSize
            if stream.exchange.isReading { widen(stream) }
        case let event as StreamClosedEvent:
            // The library has ended it, since something on it was against the rules; what the server has reset is gone already.
            guard event.reason != nil, let stream = streams.removeValue(forKey: event.streamID) else { return }
            lose(stream, .noResponse)
            emptied(at: server.loop.now)
        default: break
        }
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        watch.hasRead(at: server.loop.now)
        switch frame.payload {
        case .settings(.settings(let settings)): accept(settings)
        case .headers(let content): receive(content, of: frame.streamID)
        case .data(let content): receive(content, of: frame.streamID)
        case .rstStream(let reason): receive(reason, of: frame.streamID)
        case .goAway(let last, _, _): leave(after: last)
        case .ping(_, ack: true), .ping, .settings, .priority, .pushPromise, .windowUpdate, .alternativeService,
            .origin:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if pace.isPaced { pace.hasRead(server.pool.shares) }
    }

    private func accept(_ settings: HTTP2Settings) {
        if let most = settings.last(where: { $0.parameter == .maxConcurrentStreams })?.value {
            room = min(HTTP2Limits.streams, most)
        }
        guard phase == .opening, isAgreed else { return }
        phase = .open
        timer?.cancel()
        timer = nil
        restingSince = server.loop.now
        // What it is at first, whatever was said (RFC 9113 section 6.9.2).
        widen(.rootStream, from: 65535, to: HTTP2Limits.connectionWindow)
        sessions.opened(self)
    }

    // MARK: Ending

    /// The server has reset a stream.
    private func receive(_ reason: HTTP2ErrorCode, of id: HTTP2StreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        // It has done nothing with the request (RFC 9113 section 8.7).
        if reason == .refusedStream { giveBack(stream) } else { lose(stream, .closed) }
        emptied(at: server.loop.now)
    }

    /// The server takes no more; requests behind the last one that it names it has done nothing with (RFC 9113 section 6.8).
    private func leave(after last: HTTP2StreamID) {
        if phase == .open { phase = .leaving }
        sessions.forget(self)
        let unheard = streams.values.filter { $0.id > last }.sorted { $0.id < $1.id }
        for stream in unheard { streams[stream.id] = nil }
        for stream in unheard { giveBack(stream) }
        emptied(at: server.loop.now)
    }

    /// An exchange has come to its end, or was given up.
    func emptied(at now: NIODeadline) {
        guard phase != .closed else { return }
        guard streams.isEmpty else { return sessions.hasRoom() }
        pace.reset()
        restingSince = now
        if phase == .leaving { return close() }
        sessions.rested(self)
    }

    /// Closes it in order; it carries nothing.
    func close() {
        guard phase != .closed else { return }
        phase = .closed
        sessions.forget(self)
        context?.close(promise: nil)
    }

    /// Closes its file at once, without a goodbye.
    func cut() {
        transport?.cut()
        context?.close(promise: nil)
        fileClosed()
    }

    func fileClosed() {
        guard hasFile else { return }
        hasFile = false
        server.closed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The library resets the one stream that an error is about.
        if frames.takeReset() { return }
        if phase == .opening, UpstreamError.isProtocolAlert(error) { isRefused = true }
        if lastError == nil {
            lastError =
                phase == .opening || !(error is any NIOHTTP2Error)
                ? UpstreamError(transport: error, otherwise: phase == .opening ? .connect : .closed) : .noResponse
        }
        context.close(promise: nil)
    }

    private func refuseProtocol() {
        isRefused = true
        fail(.noSharedProtocol)
    }

    /// There will be nothing more from the server, for this reason.
    func fail(_ error: UpstreamError) {
        if lastError == nil { lastError = error }
        cut()
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard isStarting else { return ended() }
        // The code that sends has to return first.
        server.loop.assumeIsolated().execute { self.ended() }
    }

    private func ended() {
        let isOpening = phase == .opening
        phase = .closed
        timer?.cancel()
        timer = nil
        watch.end()
        sessions.forget(self)
        if isOpening { sessions.failed(self, lastError ?? .closed) }
        let lost = streams.values.sorted { $0.id < $1.id }
        streams = [:]
        for stream in lost { lose(stream, lastError ?? .closed) }
    }
}
