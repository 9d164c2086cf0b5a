internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// One `server/discover` on the agent's own account, for all calls that wait to hear which era a server speaks.
final class EraProbe {
    /// What it has found.
    enum Finding {
        case judged(EraEvidence)
        /// There was no answer that says anything.
        case fault(PeerFault)
    }

    private var waiting: [(Finding) -> Void] = []
    private var exchange: MessageExchange?
    private var timer: Scheduled<Void>?
    private let loop: any EventLoop

    /// A server says what it is in few words and soon.
    private static let longest = 256 << 10
    private static let patience = TimeAmount.seconds(10)

    private init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// Whether the answer is still awaited.
    var isOpen: Bool { exchange != nil }

    /// Asks a server, with the credential at hand.
    static func begin(_ server: HTTPServer, _ access: PeerAccess) -> EraProbe {
        let probe = EraProbe(server.loop)
        var http = HTTPRequest()
        let params = ModernClientFacts().enveloped(RawObject(), progressToken: nil)
        http.body = RPCText.request(Array("1".utf8), .serverDiscover, params)
        http.version = Array(Openings.newest(.modern).utf8)
        http.rpc = .serverDiscover
        http.authorization = access.authorization
        http.clientNumber = access.clientNumber
        http.isRepeatable = true
        probe.exchange = MessageExchange.send(
            http,
            to: server.answering(atMost: longest),
            onMessage: { message in
                guard message.kind == .response || message.kind == .errorResponse else { return }
                probe.end(.judged(EraEvidence(discover: 200, message)))
            },
            onEnd: { probe.end(Finding($0)) }
        )
        probe.timer = server.loop.assumeIsolated().scheduleTask(in: patience) {
            let error = UpstreamError(.timeout, "The server does not say in time which revisions of MCP it speaks.")
            probe.end(.fault(.failure(.afterSending(error))))
        }
        return probe
    }

    /// Hears of the finding; never from within.
    func wait(_ done: @escaping (Finding) -> Void) { waiting.append(done) }

    private func end(_ finding: Finding) {
        guard let exchange else { return }
        self.exchange = nil
        timer?.cancel()
        if case .fault = finding { exchange.cancel() } else { exchange.leave(on: loop) }
        let waiting = waiting
        self.waiting = []
        for done in waiting { done(finding) }
    }
}

extension EraProbe.Finding {
    /// What the end of an exchange without a message comes to.
    init(_ end: MessageExchange.End) {
        switch end {
        case .complete, .violated: self = .judged(.none)
        case .failed(let failure): self = .fault(.failure(failure))
        case .answered(let answer):
            let evidence = EraEvidence(discover: answer.status, answer.error)
            self = evidence == .none ? .fault(.answered(answer)) : .judged(evidence)
        }
    }
}
