internal import MCP
internal import StrictJSON

/// Asks a server for its tools on the bridge's own account: all pages, within a bound.
final class ToolLookup: PeerCall, PeerCallDelegate {
    private let access: PeerAccess
    private let meta: RawObject
    private let peer: any ModernPeer
    private let done: ([UInt8]?) -> Void
    private var call: (any PeerCall)?
    private var pages = 0
    private var tools: [[UInt8]] = []

    private static let mostPages = 20

    /// Begins; `done` hears a result with the tools of all pages, or nil where there is none.
    static func begin(
        _ access: PeerAccess,
        envelope: RawObject?,
        on peer: any ModernPeer,
        _ done: @escaping ([UInt8]?) -> Void
    ) -> any PeerCall {
        var meta = envelope ?? RawObject()
        meta["progressToken"] = nil
        let lookup = ToolLookup(access, meta, peer, done)
        lookup.ask(cursor: nil)
        return lookup
    }

    private init(_ access: PeerAccess, _ meta: RawObject, _ peer: any ModernPeer, _ done: @escaping ([UInt8]?) -> Void)
    {
        self.access = access
        self.meta = meta
        self.peer = peer
        self.done = done
    }

    private func ask(cursor: [UInt8]?) {
        pages += 1
        var params = RawObject()
        params.set("_meta", meta)
        params["cursor"] = cursor
        var request = PeerRequest(method: .toolsList, params: params)
        request.access = access
        call = peer.call(request, delegate: self)
    }

    var isReading = true

    func cancel(_ reason: String) {
        call?.cancel(reason)
        call = nil
    }

    func peerSaid(_ message: PeerMessage) {}

    func peerAsked(_ message: PeerMessage) {}

    func peerAnswered(_ message: PeerMessage) {
        call = nil
        guard message.kind == .response, let result = message.answer.flatMap({ RawObject($0) }) else {
            return done(nil)
        }
        tools += result["tools"].flatMap(RawObject.elements) ?? []
        if let cursor = result["nextCursor"], cursor != Array("null".utf8), pages < Self.mostPages {
            return ask(cursor: cursor)
        }
        var all = RawObject()
        all["tools"] = RawObject.array(tools)
        done(all.bytes)
    }

    func peerFailed(_ fault: PeerFault) {
        call = nil
        done(nil)
    }
}

extension PeerMessage {
    /// A notification of a server under the client's own progress token; nil for progress that nobody asked for.
    func translated(progress id: Int, to token: [UInt8]?) -> PeerMessage? {
        guard method == .progress else { return self }
        guard let token, progressToken?.answers(.int(id)) ?? false else { return nil }
        return replacing("progressToken", with: token)
    }

    /// The same notification with one member of its parameters replaced.
    func replacing(_ name: JSONText, with value: [UInt8]?) -> PeerMessage? {
        var params = members
        params[name] = value
        return try? PeerMessage(ofServer: RPCText.notification(method, params))
    }
}
