internal import Bridging
internal import MCP
internal import NIOCore
internal import ServiceKit
internal import StrictJSON
internal import Upstreams
internal import Wire

/// Asks a server whether it is there, on the agent's own account: no call, no record, and never a question to the user.
///
/// What it learns is the server's health, as it is from every call: any answer but an error of the server itself says that
/// it is there, a refusal too. A server that the user has not signed in to is asked without a credential.
final class HealthProbe: ExchangeDelegate {
    private let server: ServedServer
    private let path: DataPath
    private var exchange: UpstreamExchange?
    private var timer: Scheduled<Void>?
    private var received = 0
    private let hasCredential: Bool

    private static let deadline = TimeAmount.seconds(10)
    private static let mostReceived = 64 << 10

    private init(_ server: ServedServer, on path: DataPath, hasCredential: Bool) {
        self.server = server
        self.path = path
        self.hasCredential = hasCredential
    }

    /// Asks once; of a server that is no address the programs that run, since to ask another would be to start it.
    static func begin(_ server: ServedServer, on path: DataPath) {
        guard let upstream = server.upstream, let requestHead = server.requestHead else {
            return askPrograms(of: server, on: path)
        }
        var authorization: [UInt8]?
        if case .ready(id: _, let header)? = server.credential.map(path.gate.credentials.current) {
            authorization = header
        }
        let isModern = server.bridge.verdict(.modern) == .yes
        let body = Array((isModern ? discover : ping).utf8)
        let own =
            isModern
            ? OutgoingRequest.OwnHead(
                version: Revisions.modern.last.map { Array($0.utf8) },
                method: Array("server/discover".utf8)
            )
            : OutgoingRequest.OwnHead(version: Revisions.handshake.last.map { Array($0.utf8) })
        var head = ByteBuffer()
        let room = requestHead.room(clientHead: 128, authorization: authorization?.count ?? 0) + body.count
        func write(_ shown: UnsafeBufferPointer<UInt8>?) -> Bool {
            var parts = UpstreamRequestHead.Parts()
            parts.bodyLength = body.count
            parts.authorization = shown
            return head.writeHead(reserving: room) { writer in
                requestHead.write(parts, own: own, to: &writer)
                body.withUnsafeBytes { writer.append($0) }
            }
        }
        guard authorization?.withUnsafeBufferPointer({ write($0) }) ?? write(nil) else { return }
        let probe = HealthProbe(server, on: path, hasCredential: authorization != nil)
        let exchange = upstream.send(head: head, body: nil, lane: .aside, isRepeatable: true, delegate: probe)
        probe.exchange = exchange
        probe.timer = path.loop.assumeIsolated().scheduleTask(in: deadline) {
            exchange.cancel(UpstreamError(.timeout, silence))
            probe.finish(failure: silence)
        }
    }

    private static func askPrograms(of server: ServedServer, on path: DataPath) {
        server.bridge.askPrograms(within: deadline) { presence in
            let now = path.gate.clock.wall()
            switch presence {
            case .unknown: return
            case .answered:
                server.noteAnswer(trouble: nil, now: now)
                server.answered = path.gate.now()
            case .silent(let all): server.noteError(silence, isDown: all, now: now)
            }
            server.metrics.probed(isAnswered: presence == .answered)
            server.showHealth(now: now)
        }
    }

    private static let silence = "The server did not answer within 10 s when it was asked whether it is there."
    private static let ping = #"{"jsonrpc":"2.0","id":"doorward-health","method":"ping"}"#
    private static let discover =
        #"{"jsonrpc":"2.0","id":"doorward-health","method":"server/discover","params":{"_meta":{"#
        + #""io.modelcontextprotocol/protocolVersion":"\#(Revisions.modern.last ?? "")","#
        + #""io.modelcontextprotocol/clientCapabilities":{}}}}"#

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        let trouble: String? =
            switch head.status {
            case 500...: "The server answers with HTTP \(head.status)."
            case 401 where hasCredential: "The server refuses the sign-in that it gave."
            default: nil
            }
        server.noteAnswer(trouble: trouble, now: trouble == nil ? 0 : path.gate.clock.wall())
        server.answered = path.gate.now()
        if let trouble { server.errors.note(trouble, now: path.gate.clock.wall()) }
        server.metrics.probed(isAnswered: trouble == nil)
    }

    func exchangeReceived(body: ByteBuffer) {
        received += body.readableBytes
        guard received > Self.mostReceived else { return }
        exchange?.cancel()
        finish()
    }

    func exchangeEnded() { finish() }

    func exchangeFailed(_ failure: UpstreamFailure) {
        switch failure {
        case .notSent(let error) where error.code == .down:
            // The breaker has refused it: nothing is known that was not known before.
            finish()
        case .notSent(let error), .afterSending(let error):
            finish(failure: error.message)
        }
    }

    private func finish(failure words: String? = nil) {
        timer?.cancel()
        timer = nil
        exchange = nil
        if let words {
            server.errors.note(words, now: path.gate.clock.wall())
            server.metrics.probed(isAnswered: false)
        }
        server.showHealth(now: path.gate.clock.wall())
    }
}
