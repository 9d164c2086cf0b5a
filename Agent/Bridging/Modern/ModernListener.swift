internal import MCP
internal import StrictJSON

/// One `subscriptions/listen` of a modern client at a server of the handshake era.
final class ModernListener: PeerCall {
    private let request: PeerRequest
    private let server: ModernOverHandshake
    private var delegate: (any PeerCallDelegate)?
    private var kinds: Set<MCPMethod> = []
    /// The resources that the server has taken.
    private(set) var accepted: [JSONText] = []
    private var isAdded = false
    var isReading = true

    /// The most resources of one subscription, and the longest of their URIs.
    private static let mostURIs = 1000
    static let longestURI = 4096

    init(_ request: PeerRequest, of server: ModernOverHandshake, _ delegate: any PeerCallDelegate) {
        self.request = request
        self.server = server
        self.delegate = delegate
    }

    func begin() {
        server.session(for: request) { result in
            switch result {
            case .failure(.failed(let fault)): self.fail(fault)
            case .failure(.refused(let message)): self.answer(message.under(id: self.request.id))
            case .success(let peer): self.begin(peer.greeting?.object("capabilities") ?? RawObject())
            }
        }
    }

    private func begin(_ capabilities: RawObject) {
        guard delegate != nil else { return }
        let asked = request.params.object("notifications") ?? RawObject()
        let lists: [(MCPMethod, JSONText, JSONText)] = [
            (.toolsListChanged, "toolsListChanged", "tools"), (.promptsListChanged, "promptsListChanged", "prompts"),
            (.resourcesListChanged, "resourcesListChanged", "resources"),
        ]
        var filter = RawObject()
        for (method, name, capability) in lists
        where asked.value(name)?.bool == true && capabilities.object(capability)?.value("listChanged")?.bool == true {
            kinds.insert(method)
            filter.set(name, true)
        }
        let uris = (asked.value("resourceSubscriptions")?.array ?? []).compactMap(\.string)
            .filter { $0.utf8.count <= Self.longestURI }
        // Servers on the official SDK up to 1.30 say that they offer no subscriptions, and do: the server's answer counts.
        let canSubscribe = capabilities.object("resources") != nil
        isAdded = true
        // What the server says before it has a stream to say it on is lost, and the client was told that it hears all.
        server.add(self, request.access) {
            guard self.delegate != nil else { return }
            self.subscribe(canSubscribe ? Array(uris.prefix(Self.mostURIs)) : [], filter)
        }
    }

    private func subscribe(_ uris: [JSONText], _ filter: RawObject) {
        server.subscribe(uris, request.access) { accepted in
            self.accepted = accepted
            var filter = filter
            if !accepted.isEmpty { filter.set("resourceSubscriptions", .array(accepted.map { .string($0) })) }
            guard self.delegate != nil else { return self.server.remove(self) }
            var params = RawObject()
            params.set("notifications", filter)
            self.say(.subscriptionsAcknowledged, params)
        }
    }

    private func say(_ method: MCPMethod, _ params: RawObject) {
        var params = params
        var meta = params.object("_meta") ?? RawObject()
        meta[Openings.subscriptionID] = request.id
        params.set("_meta", meta)
        guard let message = try? PeerMessage(ofServer: RPCText.notification(method, params)) else { return }
        delegate?.peerSaid(message)
    }

    /// The server has said something that belongs to no request.
    func receive(_ message: PeerMessage) {
        if message.method == .resourcesUpdated {
            guard let uri = message.members.text("uri"), accepted.contains(where: { uri.isWithin($0) }) else { return }
        } else {
            guard kinds.contains(message.method) else { return }
        }
        say(message.method, message.members)
    }

    func cancel(_ reason: String) {
        delegate = nil
        if isAdded { server.remove(self) }
    }

    /// The session is over, and with it the subscription, as a modern server ends one.
    func end() {
        var meta = RawObject()
        meta[Openings.subscriptionID] = request.id
        var result = RawObject()
        result.set("resultType", "complete")
        result.set("_meta", meta)
        answer(RPCText.result(request.id, result.bytes))
    }

    private func answer(_ message: [UInt8]) {
        let delegate = delegate
        self.delegate = nil
        guard let message = try? PeerMessage(ofServer: message) else { return }
        delegate?.peerAnswered(message)
    }

    private func fail(_ fault: PeerFault) {
        let delegate = delegate
        self.delegate = nil
        delegate?.peerFailed(fault)
    }
}

extension JSONText {
    /// Whether a URI is another one, or lies below it, as subscriptions to a folder have it.
    fileprivate func isWithin(_ uri: JSONText) -> Bool {
        guard utf8.starts(with: uri.utf8) else { return false }
        return utf8.count == uri.utf8.count || uri.utf8.last == UInt8(ascii: "/")
            || utf8[uri.utf8.count] == UInt8(ascii: "/")
    }
}

extension PeerMessage {
    /// The response, under another id.
    func under(id: [UInt8]) -> [UInt8] {
        kind == .response
            ? RPCText.result(id, answer ?? Array("{}".utf8)) : RPCText.error(id, answer ?? Array("{}".utf8))
    }
}
