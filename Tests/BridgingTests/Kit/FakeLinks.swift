import MCP
import NIOCore
import NIOEmbedded
import StrictJSON
import Synchronization
import Upstreams
import Wire

@testable import Bridging

/// The link to a server that a test plays.
final class FakeLink: ServerLink {
    let key: IsolationKey
    var authorization: [UInt8]?
    var isReading = true
    private(set) var isClosed = false
    private(set) var sent: [JSONValue] = []
    private var delegate: (any ServerLinkDelegate)?

    init(_ key: IsolationKey) { self.key = key }

    func open(_ delegate: any ServerLinkDelegate) { self.delegate = delegate }

    func send(_ message: ByteBuffer) {
        let bytes = Array(message.readableBytesView)
        sent.append((try? JSONValue(parsing: bytes)) ?? .null)
    }

    func close() {
        isClosed = true
        delegate = nil
    }

    /// Says something as the server.
    func say(_ message: String) { delegate?.linkReceived(ByteBuffer(string: message)) }

    func end(_ failure: UpstreamFailure) { delegate?.linkEnded(failure, status: nil) }

    /// The last thing that the server was told of a method, with its id as it was written.
    func last(_ method: String) -> JSONValue? { sent.last { $0["method"]?.text == method } }

    /// Answers the last request of a method.
    func answer(_ method: String, _ result: String) {
        guard let id = last(method)?["id"]?.json else { return }
        say(#"{"jsonrpc":"2.0","id":\#(id),"result":\#(result)}"#)
    }
}

/// Makes them; tests look at those that were made.
final class FakeLinks: ServerLinkSource {
    let identity = "fake"
    private let made = Mutex<[NIOLoopBound<FakeLink>]>([])

    func makeLink(_ key: IsolationKey, loop: any EventLoop) -> any ServerLink {
        let link = FakeLink(key)
        made.withLock { $0.append(NIOLoopBound(link, eventLoop: loop)) }
        return link
    }

    var links: [FakeLink] { made.withLock { $0.map(\.value) } }
}

/// What came in answer to a request.
final class Answer: ExchangeDelegate {
    private(set) var status: Int?
    private(set) var session: String?
    private(set) var isStream = false
    private(set) var hasEnded = false
    private(set) var failure: UpstreamFailure?
    private var body: [UInt8] = []

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        status = head.status
        isStream = head.contentType == .eventStream
        session = head.value(.sessionID, in: bytes).map { String(decoding: $0, as: UTF8.self) }
    }

    func exchangeReceived(body: ByteBuffer) { self.body += body.readableBytesView }

    func exchangeEnded() { hasEnded = true }

    func exchangeFailed(_ failure: UpstreamFailure) { self.failure = failure }

    /// The messages: one of JSON, or those of the events.
    var messages: [JSONValue] {
        (isStream ? fields("data: ") : [String(decoding: body, as: UTF8.self)])
            .compactMap { try? JSONValue(parsing: Array($0.utf8)) }
    }

    /// The ids of the events.
    var eventIDs: [String] { fields("id: ") }

    private func fields(_ name: String) -> [String] {
        String(decoding: body, as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix(name) }
            .map { String($0.dropFirst(name.count)) }
    }
}

/// One server behind its bridge, with clients of both eras, on a loop whose time a test makes.
final class Rig {
    let loop = EmbeddedEventLoop()
    let source = FakeLinks()
    let bridge: ServerBridge

    init(_ pin: EraPin, isolation: Isolation = .perClient) {
        let loop = loop
        let settings = ServerBridge.Settings(
            alias: "up",
            transport: .links(source),
            pin: pin,
            isolation: isolation
        )
        bridge = ServerBridge(
            settings,
            upstream: nil,
            ServerBridge.Surroundings(
                loop: loop,
                eras: EraBook { 1_000_000 },
                userAgent: "tests",
                longestReply: 1 << 20,
                now: { loop.now.nanosecondsSinceStart }
            )
        )
    }

    var link: FakeLink { source.links[source.links.count - 1] }

    private func send(_ request: BridgedRequest) -> (Answer, UpstreamExchange) {
        let answer = Answer()
        let exchange = bridge.send(request, delegate: answer)
        loop.run()
        return (answer, exchange)
    }

    /// A request of a client of the handshake era.
    @discardableResult
    func handshake(
        _ method: RequestMethod = .post,
        _ body: String = "",
        rpc: MCPMethod = .unknown,
        session: String? = nil,
        client: JSONText = "c",
        behind event: String? = nil
    ) -> Answer {
        handshakeExchange(method, body, rpc: rpc, session: session, client: client, behind: event).0
    }

    /// The same, with what its client can close.
    func handshakeExchange(
        _ method: RequestMethod = .post,
        _ body: String = "",
        rpc: MCPMethod = .unknown,
        session: String? = nil,
        client: JSONText = "c",
        behind event: String? = nil
    ) -> (Answer, UpstreamExchange) {
        var request = BridgedRequest(method: method, era: .handshake, rpc: rpc)
        request.body = ByteBuffer(string: body)
        request.session = session.map { JSONText($0) }
        request.client = client
        request.lastEventID = event.map { Array($0.utf8) }
        return send(request)
    }

    /// A request of a modern client; `meta` is what it says of itself beside its revision.
    func modern(
        _ method: MCPMethod,
        _ params: String = "",
        id: String = "1",
        capabilities: String = "{}",
        meta: String = "",
        client: JSONText = "c",
        thread: JSONText = "",
        mayBeAsked: @escaping (ServerRequest) -> Bool = { _ in true }
    ) -> (answer: Answer, exchange: UpstreamExchange) {
        let own =
            #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#
            + #""io.modelcontextprotocol/clientCapabilities":\#(capabilities)\#(meta)}"#
        let body = #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method.name)","params":{\#(params)\#(own)}}"#
        var request = BridgedRequest(method: .post, era: .modern, rpc: method)
        request.body = ByteBuffer(string: body)
        request.client = client
        request.thread = thread
        request.mayBeAsked = mayBeAsked
        return send(request)
    }

    /// Does what is due.
    func turn() { loop.run() }

    func pass(_ time: TimeAmount) { loop.advanceTime(by: time) }

    /// A session of a handshake client with a modern server.
    func begin(
        _ capabilities: String = "{}",
        revision: String = "2025-11-25",
        info: String = #"{"name":"c","version":"1"}"#,
        client: JSONText = "c"
    ) -> String {
        let params =
            #"{"protocolVersion":"\#(revision)","capabilities":\#(capabilities),"clientInfo":\#(info)}"#
        let answer = handshake(
            .post,
            #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":\#(params)}"#,
            rpc: .initialize,
            client: client
        )
        link.answer("server/discover", Self.discovery)
        return answer.session ?? ""
    }

    static let discovery =
        #"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"#
        + #""resources":{"subscribe":true},"logging":{}},"ttlMs":0,"cacheScope":"private"}"#
}

extension NIODeadline {
    fileprivate var nanosecondsSinceStart: Int64 { Int64(uptimeNanoseconds) }
}
