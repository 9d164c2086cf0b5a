internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

// Which way a request goes.
extension ServerBridge {
    func route(_ call: BridgedCall, _ message: PeerMessage?) {
        switch call.request.era {
        case .handshake: routeHandshake(call, message)
        case .modern:
            guard let message, message.kind == .request else {
                // There is nothing without an id in this era that a server over HTTP would have to hear.
                return call.answer(status: call.request.method == .post ? 202 : 405)
            }
            routeModern(call, message)
        }
    }

    // MARK: Clients of the handshake era

    private func routeHandshake(_ call: BridgedCall, _ message: PeerMessage?) {
        if let message, message.method == .initialize, message.kind == .request { return begin(call, message) }
        if front.serve(call, message) { return }
        // No session of the bridge: where the server speaks this era itself, it is the one to say so.
        if call.request.direct != nil, isDirect(.handshake, .unknown), let upstream {
            return DirectRelay.send(call, to: upstream)
        }
        call.answer(status: call.request.session == nil ? 400 : 404)
    }

    private func begin(_ call: BridgedCall, _ message: PeerMessage) {
        if isOverHTTP, verdict(.handshake) != .no, !isEventStream, let upstream {
            return DirectRelay.send(call, to: upstream, judge: EraEvidence.init(initialize:_:)) { evidence, relay in
                switch evidence {
                case .spoken: self.found(.handshake, speaks: true)
                case .none: break
                case .notSpoken: self.tryModern(call, message, relay)
                }
            }
        }
        if verdict(.handshake) == .no { return beginOverModern(call, message) }
        front.begin(call, message) { id in
            linkPeer(.handshake, for: call, thread: call.request.thread.utf8.isEmpty ? id : call.request.thread)
        } refused: { _ in
            guard self.settings.pin == .auto, !self.isOverHTTP else { return false }
            self.probeLink(call) { isModern in
                guard isModern == true else {
                    return call.fail(.violated("The server takes neither initialize nor server/discover."))
                }
                self.found(.modern, speaks: true)
                self.found(.handshake, speaks: false)
                self.beginOverModern(call, message)
            }
            return true
        }
    }

    private func beginOverModern(_ call: BridgedCall, _ message: PeerMessage) {
        front.begin(call, message) { id in
            let peer: any ModernPeer
            if isOverHTTP, let server {
                peer = HTTPModernPeer(server, tools: tools)
            } else {
                let thread = call.request.thread.utf8.isEmpty ? id : call.request.thread
                peer = linkPeer(.modern, for: call, thread: thread)
            }
            return HandshakeOverModern(peer, alias: settings.alias, loop: around.loop)
        }
    }

    /// The server does not take `initialize`: it may be a modern one, or have the older transport.
    private func tryModern(_ call: BridgedCall, _ message: PeerMessage, _ relay: DirectRelay) {
        probe(call) { finding in
            switch finding {
            case .judged(.spoken):
                self.found(.modern, speaks: true)
                self.found(.handshake, speaks: false)
                relay.cancel("The server speaks another era.")
                self.beginOverModern(call, message)
            case .judged(.notSpoken):
                self.probeEventStream(call) { isThere in
                    guard isThere else { return relay.pass() }
                    self.found(.handshake, speaks: true, isEventStream: true)
                    self.found(.modern, speaks: false)
                    relay.cancel("The server has another transport.")
                    self.begin(call, message)
                }
            case .judged(.none), .fault: relay.pass()
            }
        }
    }

    // MARK: Modern clients

    private func routeModern(_ call: BridgedCall, _ message: PeerMessage) {
        guard isOverHTTP, !isEventStream, let upstream else { return routeModernLink(call, message) }
        switch verdict(.modern) {
        case .no: serveModern(call, message)
        case .yes, .unknown:
            if message.method == .serverDiscover {
                return DirectRelay.send(call, to: upstream, judge: EraEvidence.init(discover:_:)) { evidence, relay in
                    switch evidence {
                    case .spoken: self.found(.modern, speaks: true)
                    case .none: break
                    case .notSpoken: self.tryHandshake(call, message) { _ in relay.pass() }
                    }
                }
            }
            if verdict(.modern) == .yes || around.now() < unclearUntil { return DirectRelay.send(call, to: upstream) }
            // A call could do something under the rules of another era, and so the server is asked first.
            probe(call) { finding in
                switch finding {
                case .judged(.spoken):
                    self.found(.modern, speaks: true)
                    DirectRelay.send(call, to: upstream)
                case .judged(.notSpoken): self.tryHandshake(call, message) { self.pass(call, to: upstream, since: $0) }
                case .judged(.none): self.pass(call, to: upstream, since: .violated("It shows no era."))
                case .fault(let fault): self.pass(call, to: upstream, since: fault)
                }
            }
        }
    }

    /// Passes a call on as it is to a server that shows neither era, as if there were no bridge: its own answer is worth
    /// more than a guess.
    ///
    /// A server that is out of reach, or that wants a credential, is not asked again.
    private func pass(_ call: BridgedCall, to upstream: UpstreamServer, since fault: PeerFault) {
        switch fault {
        case .failure(.notSent): return call.fail(fault)
        case .failure(.afterSending(let error)) where error.code != .tooLarge: return call.fail(fault)
        case .answered(let answer) where [401, 403].contains(answer.status): return call.fail(fault)
        // An outage says nothing of the next call.
        case .answered(let answer) where answer.status == 429 || answer.status >= 500: break
        case .failure, .answered, .violated, .sessionLost: unclearUntil = around.now() + Self.unclearTime
        }
        DirectRelay.send(call, to: upstream)
    }

    /// How long a server that shows neither era is not asked again, in nanoseconds: it is no finding, and goes nowhere.
    private static let unclearTime: Int64 = 60 * 1_000_000_000

    /// The server does not take `server/discover`: `otherwise` hears why it does not take `initialize` either.
    private func tryHandshake(
        _ call: BridgedCall,
        _ message: PeerMessage,
        otherwise: @escaping (PeerFault) -> Void
    ) {
        let request = peerRequest(message, call)
        session(for: call, message).session(for: request) { result in
            guard !call.isEnded else { return }
            switch result {
            case .success:
                self.found(.handshake, speaks: true)
                self.found(.modern, speaks: false)
                call.running?.cancel("The server speaks another era.")
                call.running = nil
                self.serveModern(call, message)
            case .failure(let problem):
                // What is about the credential is for the user, and what is an outage for nobody.
                guard problem.mayBeOtherTransport else { return self.give(problem, to: call, otherwise) }
                self.probeEventStream(call) { isThere in
                    guard isThere else { return self.give(problem, to: call, otherwise) }
                    self.found(.handshake, speaks: true, isEventStream: true)
                    self.found(.modern, speaks: false)
                    call.running?.cancel("The server has another transport.")
                    call.running = nil
                    self.serveModern(call, message)
                }
            }
        }
    }

    private func give(
        _ problem: ModernOverHandshake.SessionProblem,
        to call: BridgedCall,
        _ otherwise: (PeerFault) -> Void
    ) {
        switch problem {
        case .refused(let message): otherwise(.violated(message.refusalWords))
        case .failed(let fault):
            if case .answered(let answer) = fault, [401, 403].contains(answer.status) {
                call.running?.cancel("The server asks for a credential.")
                return call.fail(fault)
            }
            otherwise(fault)
        }
    }

    private func routeModernLink(_ call: BridgedCall, _ message: PeerMessage) {
        switch isEventStream ? .no : verdict(.modern) {
        case .no: serveModern(call, message)
        case .yes:
            let peer = linkPeer(.modern, for: call, thread: call.request.thread)
            ask(peer, call, message)
        case .unknown:
            probeLink(call) { isModern in
                guard let isModern else { return }
                self.found(.modern, speaks: isModern)
                if !isModern { self.found(.handshake, speaks: true) }
                self.routeModernLink(call, message)
            }
        }
    }

    /// Answers a modern client for a server of the handshake era.
    private func serveModern(_ call: BridgedCall, _ message: PeerMessage) {
        guard message.members.object("_meta")?.object(Openings.clientCapabilities) != nil else {
            let words = "_meta lacks \(Openings.clientCapabilities.string), which says what the client can be asked."
            return call.answer(RPCText.error(call.id, RPCText.fault(.invalidParams, words)), status: 400)
        }
        if message.method == .toolsCall, let name = message.members.text("name"),
            !tools.agree(
                tool: name,
                message.members.value("arguments") ?? [:],
                given: call.request.headerParameters
            )
        {
            let words = "A header Mcp-Param-... is missing or is not what the arguments say."
            return call.answer(RPCText.error(call.id, RPCText.fault(.headerMismatch, words)), status: 400)
        }
        if message.method == .toolsList {
            call.onAnswer = { [tools] answer in
                if answer.kind == .response, let result = answer.answer { tools.learn(result) }
            }
        }
        ask(session(for: call, message), call, message)
    }

    private func ask(_ peer: any ModernPeer, _ call: BridgedCall, _ message: PeerMessage) {
        let running = peer.call(peerRequest(message, call), delegate: call)
        guard !call.isEnded else { return }
        call.running = running
        if !call.isReading { running.isReading = false }
    }

    private func peerRequest(_ message: PeerMessage, _ call: BridgedCall) -> PeerRequest {
        var request = PeerRequest(method: message.method, params: message.members)
        request.id = call.id
        request.client = call.request.client
        request.thread = call.request.thread
        request.access = call.access
        request.mayBeAsked = call.request.mayBeAsked
        return request
    }
}

extension ModernOverHandshake.SessionProblem {
    /// Whether the server may be one of HTTP+SSE: it does not take POST at its address.
    fileprivate var mayBeOtherTransport: Bool {
        guard case .failed(.answered(let answer)) = self else { return false }
        return [400, 404, 405].contains(answer.status)
    }
}

extension PeerMessage {
    /// What an error says, for people.
    fileprivate var refusalWords: String {
        let words = answer.flatMap { RawObject($0) }?.text("message")?.string
        return "The server refuses the beginning of a session" + (words.map { ": \($0.prefix(500))" } ?? ".")
    }
}

extension BridgedRequest {
    /// The values of `Mcp-Param-...` by what stands behind that, in lower case.
    fileprivate var headerParameters: [String: String] {
        var given: [String: String] = [:]
        for parameter in parameters {
            let name = String(decoding: parameter.name.dropFirst(10), as: UTF8.self).lowercased()
            given[name] = String(decoding: parameter.value, as: UTF8.self)
        }
        return given
    }
}
