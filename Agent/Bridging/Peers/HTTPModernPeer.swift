internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams

/// A modern server over Streamable HTTP: each request stands alone.
final class HTTPModernPeer: ModernPeer {
    private let server: HTTPServer
    private var lastID = 0
    /// The parameters of tools that have to be in the head too, as their list has said.
    private let tools: ToolSchemas

    init(_ server: HTTPServer, tools: ToolSchemas) {
        self.server = server
        self.tools = tools
    }

    func call(_ request: PeerRequest, delegate: any PeerCallDelegate) -> any PeerCall {
        lastID += 1
        let call = Call(request, id: lastID, peer: self, delegate: delegate)
        call.send()
        return call
    }

    private final class Call: PeerCall {
        private let request: PeerRequest
        private let id: Int
        private let peer: HTTPModernPeer
        private var delegate: (any PeerCallDelegate)?
        private var exchange: MessageExchange?
        private var lookup: (any PeerCall)?
        private var hasLookedUp = false

        init(_ request: PeerRequest, id: Int, peer: HTTPModernPeer, delegate: any PeerCallDelegate) {
            self.request = request
            self.id = id
            self.peer = peer
            self.delegate = delegate
        }

        var isReading = true {
            didSet { exchange?.isReading = isReading }
        }

        func cancel(_ reason: String) {
            delegate = nil
            lookup?.cancel(reason)
            lookup = nil
            // A modern server is told by the end of the stream.
            exchange?.cancel()
            exchange = nil
        }

        func send() {
            var http = HTTPRequest()
            let token = request.progressToken == nil ? nil : RequestID.int(id).literal
            http.body = RPCText.request(
                RequestID.int(id).literal,
                request.method,
                request.under(progressToken: token)
            )
            http.version = Array(Openings.newest(.modern).utf8)
            http.rpc = request.method
            http.name = request.name
            if request.method == .toolsCall, let name = request.params.text("name") {
                http.parameters = peer.tools.headers(tool: name, request.params.value("arguments") ?? [:])
            }
            http.authorization = request.access.authorization
            http.trace = request.access.trace
            http.clientNumber = request.access.clientNumber
            http.isRepeatable = request.isRepeatable
            http.lane = request.isOpenEnded ? .stream : .call
            exchange = MessageExchange.send(
                http,
                to: peer.server,
                onMessage: { self.receive($0) },
                onEnd: { self.end($0) }
            )
            exchange?.onHold = { [weak self] in self?.delegate?.peerHolds($0) }
            if !isReading { exchange?.isReading = false }
        }

        private func receive(_ message: PeerMessage) {
            switch message.kind {
            case .notification:
                guard let said = message.translated(progress: id, to: request.progressToken) else { return }
                delegate?.peerSaid(said)
            case .request:
                // There are none in this era.
                fail(.violated("The server asks something, which it may not in this revision."))
            case .response, .errorResponse:
                guard message.id.map({ $0.answers(.int(id)) }) ?? (message.kind == .errorResponse) else {
                    return fail(.violated("The server answers another request than the one that was made."))
                }
                answer(message)
            }
        }

        private func end(_ how: MessageExchange.End) {
            exchange = nil
            switch how {
            case .complete: fail(.ended)
            case .failed(let failure): fail(.failure(failure))
            case .violated(let words): fail(.violated(words))
            case .answered(let answer):
                // What is about the credential, or about the load, is for the data path to judge.
                guard ![401, 403, 429].contains(answer.status), let error = answer.error else {
                    return fail(.answered(answer))
                }
                self.answer(error)
            }
        }

        private func answer(_ message: PeerMessage) {
            exchange?.leave(on: peer.server.loop)
            exchange = nil
            if message.errorCode == JSONRPCErrorCode.headerMismatch.rawValue, request.method == .toolsCall,
                !hasLookedUp
            {
                // The list of tools says which arguments have to be in the head; it may not have been seen yet.
                hasLookedUp = true
                lookup = ToolLookup.begin(request.access, envelope: request.params.object("_meta"), on: peer) { list in
                    self.lookup = nil
                    guard let list else { return self.finish(message) }
                    self.peer.tools.learn(list)
                    self.send()
                }
                return
            }
            finish(message)
        }

        private func finish(_ message: PeerMessage) {
            if request.method == .toolsList, message.kind == .response, let list = message.answer {
                peer.tools.learn(list)
            }
            let delegate = delegate
            self.delegate = nil
            delegate?.peerAnswered(message)
        }

        private func fail(_ fault: PeerFault) {
            exchange?.cancel()
            exchange = nil
            let delegate = delegate
            self.delegate = nil
            delegate?.peerFailed(fault)
        }
    }
}

/// Which headers the calls of a server's tools want, as its list of tools has said last.
final class ToolSchemas {
    private var parameters: [JSONText: HeaderParameters] = [:]
    /// More tools than any list shows.
    private static let most = 10_000

    /// Takes note of a result of `tools/list`.
    func learn(_ result: [UInt8]) {
        guard let tools = RawObject(result)?["tools"].flatMap(RawObject.elements) else { return }
        for element in tools where parameters.count < Self.most {
            guard let tool = RawObject(element), let name = tool.text("name"),
                let schema = tool.value("inputSchema"), let headers = try? HeaderParameters(schema: schema)
            else { continue }
            parameters[name] = headers.isEmpty ? nil : headers
        }
    }

    /// The headers of a call.
    func headers(tool: JSONText, _ arguments: JSONValue) -> [HeaderParameter] {
        parameters[tool]?.headers(for: arguments) ?? []
    }

    /// Whether the headers of a call say what its arguments say; of a tool that is not known any do.
    func agree(tool: JSONText, _ arguments: JSONValue, given: [String: String]) -> Bool {
        parameters[tool]?.agree(with: arguments, given: given) ?? true
    }
}
