internal import AuditLog
internal import Bytes
internal import MCP
internal import StrictJSON

/// What one server says on a stream of all servers.
final class StreamBranch: InnerRequestDelegate {
    private weak var stream: MergedStream?
    private let server: ServedServer
    private var request: InnerRequest?
    private let began: Int64
    /// How many have ended before it without a pause between them.
    private let failures: Int
    /// When it ended, in nanoseconds; nil while it goes on.
    private var ended: Int64?
    /// Whether the server says that it has no such stream.
    private var isFinal = false

    /// How long it waits before a server is listened to again, in nanoseconds: twice as long each time.
    private static let rest: Int64 = 4_000_000_000
    private static let longestRest: Int64 = 300_000_000_000
    /// After how long it was no failure.
    private static let goodLife: Int64 = 60_000_000_000

    /// A branch after `last`, the one before it of the same server; `now` is in nanoseconds.
    init(of stream: MergedStream, _ server: ServedServer, after last: StreamBranch?, now: Int64) {
        self.stream = stream
        self.server = server
        began = now
        failures = last.map { ($0.ended ?? now) - $0.began > Self.goodLife ? 0 : $0.failures + 1 } ?? 0
    }

    /// Whether it has ended, and the server may be listened to again.
    func mayBeginAgain(_ now: Int64) -> Bool {
        guard let ended, !isFinal else { return false }
        return now - ended >= min(Self.rest << min(failures, 7), Self.longestRest)
    }

    func start(_ message: InnerMessage) {
        guard let stream else { return }
        let request = InnerRequest(to: server.alias, on: stream.connection, delegate: self)
        self.request = request
        request.start(message, for: stream.asker.visit, stream.asker.trace)
    }

    func cancel() {
        end()
        request?.cancel()
        request = nil
    }

    func setWritable(_ isWritable: Bool) { request?.setWritable(isWritable) }

    private func end() {
        if ended == nil { ended = stream?.now ?? began }
    }

    /// A server that opens no stream, or does not know the method, is not asked for one again.
    func innerAnswered(
        _ request: InnerRequest,
        status: Int,
        isJSON: Bool,
        body: UnsafeRawBufferPointer,
        record: RandomID?
    ) {
        self.request = nil
        end()
        let error = isJSON ? (try? JSONValue(lenientlyParsing: Array(body)))?["error"]?["code"]?.int : nil
        isFinal = status == 405 || error == JSONRPCErrorCode.methodNotFound.rawValue
    }

    func innerOpened(_ request: InnerRequest, record: RandomID?) {}

    func innerReceived(_ request: InnerRequest, message: UnsafeBufferPointer<UInt8>, id: UnsafeRawBufferPointer?) {
        guard let stream, ended == nil else { return }
        guard !message.isEmpty, let envelope = try? Envelope.scan(ofServer: message) else {
            return stream.pass(message, id, of: server.alias)
        }
        switch envelope.method {
        case .toolsListChanged: stream.changed(.tools, of: server.alias)
        case .promptsListChanged: stream.changed(.prompts, of: server.alias)
        case .resourcesListChanged: stream.changed(.resources, of: server.alias)
        // What was taken of the subscription the agent has said for all servers.
        case .subscriptionsAcknowledged: break
        default:
            guard stream.asker.era == .handshake || isOfStream(envelope, message, stream) else { return }
            stream.pass(message, id, of: server.alias)
        }
    }

    /// Whether a message is about this subscription: the end of a server's part, or its refusal, is not the end of the stream
    /// for the others, and no server speaks under the name of another subscription.
    private func isOfStream(
        _ envelope: Envelope,
        _ message: UnsafeBufferPointer<UInt8>,
        _ stream: MergedStream
    ) -> Bool {
        guard envelope.kind == .notification, let span = envelope.params else {
            return envelope.kind == .notification
        }
        let params = try? JSONValue(lenientlyParsing: Array(message[span.range]))
        let named = params?["_meta"]?["io.modelcontextprotocol/subscriptionId"]
        return named == nil || named == stream.subscription
    }

    func innerEnded(_ request: InnerRequest, isWhole: Bool) {
        self.request = nil
        end()
        // What changes until the server is listened to again is not heard.
        stream?.changed(.all, of: server.alias)
    }
}
