package import MCP
package import NIOCore
package import StrictJSON
package import Upstreams
internal import Wire

/// Answers for one server, in the era of each client, where the server cannot be asked as the client asks: it speaks the
/// other era, or is reached in another way than Streamable HTTP.
///
/// It belongs to the event loop.
package final class ServerBridge {
    /// What the server's entry says.
    package struct Settings: Sendable, Equatable {
        package let alias: JSONText
        package let transport: ServerTransport
        package let pin: EraPin
        package let isolation: Isolation

        package init(alias: JSONText, transport: ServerTransport, pin: EraPin, isolation: Isolation) {
            self.alias = alias
            self.transport = transport
            self.pin = pin
            self.isolation = isolation
        }
    }

    /// What the bridges of all servers share.
    package struct Surroundings {
        let loop: any EventLoop
        let eras: EraBook
        let seal: StateSeal
        let userAgent: String
        let longestReply: Int
        /// Nanoseconds of the machine's own clock.
        let now: () -> Int64
        /// What is kept of streams for clients that take them up again.
        let events = EventBudget()

        package init(
            loop: any EventLoop,
            eras: EraBook,
            seal: StateSeal = StateSeal(),
            userAgent: String,
            longestReply: Int,
            now: @escaping () -> Int64
        ) {
            self.loop = loop
            self.eras = eras
            self.seal = seal
            self.userAgent = userAgent
            self.longestReply = longestReply
            self.now = now
        }
    }

    package let settings: Settings
    let around: Surroundings
    let upstream: UpstreamServer?
    let tools = ToolSchemas()
    let suspensions: Suspensions
    let front: HandshakeFront
    let pool: PeerPool
    /// Until when the server, which has shown neither era, is not asked again.
    var unclearUntil = Int64.min
    /// What was last asked of the server's era.
    var lastProbe: EraProbe?
    /// The eras in which the server is asked over Streamable HTTP as its clients ask.
    private var direct: MCPMethod.Eras = []

    package init(_ settings: Settings, upstream: UpstreamServer?, _ around: Surroundings) {
        self.settings = settings
        self.upstream = upstream
        self.around = around
        suspensions = Suspensions(loop: around.loop)
        front = HandshakeFront(alias: settings.alias, around, onTools: tools.learn)
        pool = PeerPool(around.loop, now: around.now)
        reconsider()
    }

    /// Whether a request goes to the server as it is: the whole price of the bridge for a call between ends of one era.
    package func isDirect(_ era: Revisions.Era, _ rpc: MCPMethod) -> Bool {
        // What a conversation begins with tells whether what was found out still holds.
        direct.contains(era == .modern ? .modern : .handshake) && rpc != .initialize && rpc != .serverDiscover
    }

    /// Ends all that goes on here for clients: the server is not theirs any more.
    package func end() {
        suspensions.endAll()
        front.endAll()
        pool.endAll()
    }

    /// Sends a request that may not be one that goes to the server as it is.
    package func send(_ request: BridgedRequest, delegate: any ExchangeDelegate) -> UpstreamExchange {
        let call = BridgedCall(request)
        let exchange = UpstreamExchange(elsewhere: call, lane: request.lane, delegate: delegate)
        call.exchange = exchange
        around.loop.assumeIsolated().execute { self.start(call) }
        return exchange
    }

    private func start(_ call: BridgedCall) {
        guard !call.isEnded else { return }
        var message: PeerMessage?
        if call.request.method == .post {
            do {
                message = try PeerMessage(ofClient: Array(call.request.body.readableBytesView))
            } catch {
                return call.fail(.violated("The message cannot be taken: \(error.message)."))
            }
            call.id = message?.idLiteral ?? Array("null".utf8)
        }
        route(call, message)
    }

    // MARK: Eras

    /// What is known of an era of the server, by its entry or by what was found out.
    package func verdict(_ era: Revisions.Era) -> EraBook.Verdict {
        switch settings.pin {
        case .auto: around.eras.verdict(settings.transport.identity, era)
        case .handshake: era == .handshake ? .yes : .no
        case .modern: era == .modern ? .yes : .no
        }
    }

    /// Takes note of what was found out.
    func found(_ era: Revisions.Era, speaks: Bool, isEventStream: Bool = false) {
        guard settings.pin == .auto else { return }
        around.eras.note(settings.transport.identity, era, speaks: speaks, isEventStream: isEventStream)
        reconsider()
    }

    /// Whether the handshake era is spoken over HTTP+SSE.
    var isEventStream: Bool {
        switch settings.transport {
        case .eventStream: true
        case .http: around.eras.isEventStream(settings.transport.identity)
        case .links: false
        }
    }

    private func reconsider() {
        direct = []
        guard case .http = settings.transport, !isEventStream else { return }
        // A client is served as it asks until the server says that it does not speak so; but what a call does must not be
        // done under the rules of another era, which older servers may do.
        if verdict(.handshake) != .no { direct.insert(.handshake) }
        if verdict(.modern) == .yes { direct.insert(.modern) }
    }
}
