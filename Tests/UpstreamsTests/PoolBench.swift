import Fetch
import NIOCore
import NIOPosix
import Upstreams
import Wire

/// A pool on an event loop of its own, and the simplest caller of it.
struct PoolBench: Sendable {
    let loop: any EventLoop
    private let pool: NIOLoopBound<UpstreamPool>

    init(
        proxies: ProxyEnvironment = .none,
        _ configure: (inout UpstreamConfiguration) -> Void = { _ in }
    ) async throws {
        // Some tests block their loop, so each test has a loop of its own.
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        var configuration = UpstreamConfiguration()
        configure(&configuration)
        let settings = configuration
        self.loop = loop
        pool = try await loop.submit {
            NIOLoopBound(
                try UpstreamPool(loop: loop, proxies: proxies, configuration: settings, chance: { 1 }),
                eventLoop: loop
            )
        }.get()
    }

    func onLoop<Result: Sendable>(_ body: @escaping @Sendable (UpstreamPool) throws -> Result) async throws -> Result {
        try await loop.submit { try body(pool.value) }.get()
    }

    /// Sends a request and waits for what becomes of it.
    func outcome(
        port: Int,
        body: String? = nil,
        lane: ExchangeLane = .call,
        path: String = "/mcp"
    ) async throws -> Outcome {
        try await outcome(of: "http://127.0.0.1:\(port)\(path)", body: body, lane: lane)
    }

    func outcome(
        of url: String,
        body: String? = nil,
        lane: ExchangeLane = .call,
        allowsLoopback: Bool = true,
        authorities: String? = nil
    ) async throws -> Outcome {
        let endpoint = try UpstreamEndpoint(url: url, allowsLoopback: allowsLoopback, authorities: authorities)
        return try await outcome(at: endpoint, body: body, lane: lane)
    }

    func outcome(
        at endpoint: UpstreamEndpoint,
        body: String? = nil,
        lane: ExchangeLane = .call
    ) async throws -> Outcome {
        let recorder = try await onLoop { pool in
            let recorder = Recorder(pool.server(for: endpoint), lane: lane, body: body)
            return NIOLoopBound(recorder, eventLoop: self.loop)
        }
        return try await loop.flatSubmit { recorder.value.promise.futureResult }.get()
    }
}

extension PoolBench {
    /// Begins an exchange of which no caller waits for the end.
    func begin(
        _ endpoint: UpstreamEndpoint,
        lane: ExchangeLane = .call,
        client: Int = 0
    ) async throws -> NIOLoopBound<Recorder> {
        try await onLoop { pool in
            NIOLoopBound(Recorder(pool.server(for: endpoint), lane: lane, client: client), eventLoop: loop)
        }
    }

    /// Cancels one, as when its client has gone.
    func cancel(_ recorder: NIOLoopBound<Recorder>) async throws {
        try await onLoop { _ in
            recorder.value.exchange?.cancel()
            recorder.value.giveUp()
        }
    }
}

/// What became of an exchange.
struct Outcome: Sendable {
    var status: Int?
    var head = ""
    var body = ""
    var hasEnded = false
    var notSent: UpstreamError.Code?
    var afterSending: UpstreamError.Code?
    var message: String?
    var calls: [String] = []
}

/// A delegate that writes down what it is told.
final class Recorder: ExchangeDelegate {
    let promise: EventLoopPromise<Outcome>
    private(set) var outcome = Outcome()
    private(set) var exchange: UpstreamExchange?
    /// What to do besides writing down, after each call.
    private let then: ((Recorder, String) -> Void)?
    /// Whose outcome is waited for instead of this one's.
    var successor: Recorder?

    init(
        _ server: UpstreamServer,
        lane: ExchangeLane = .call,
        client: Int = 0,
        isRepeatable: Bool = false,
        body: String? = nil,
        then: ((Recorder, String) -> Void)? = nil
    ) {
        promise = MultiThreadedEventLoopGroup.singleton.next().makePromise()
        self.then = then
        var head = ByteBuffer()
        let endpoint = server.endpoint
        _ = head.writeHead(reserving: 1024) { writer in
            Array(endpoint.target.utf8).withUnsafeBufferPointer {
                writer.request(body == nil ? "GET" : "POST", target: $0)
            }
            Array(endpoint.authority.utf8).withUnsafeBufferPointer { writer.field("host", $0) }
            if let body { writer.field("content-length", decimal: body.utf8.count) }
            writer.end()
        }
        exchange = server.send(
            head: head,
            body: body.map { ByteBuffer(string: $0) },
            lane: lane,
            client: client,
            isRepeatable: isRepeatable,
            delegate: self
        )
        note("sent")
    }

    private func note(_ call: String) {
        outcome.calls.append(call)
        then?(self, call)
    }

    func exchangeReceived(head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        outcome.status = head.status
        outcome.head = String(decoding: bytes[..<head.length], as: UTF8.self)
        note("head")
    }

    func exchangeReceived(body: ByteBuffer) {
        outcome.body += String(buffer: body)
        note("body")
    }

    func exchangeEnded() {
        outcome.hasEnded = true
        note("ended")
        finish()
    }

    func exchangeFailed(_ failure: UpstreamFailure) {
        switch failure {
        case .notSent(let error): (outcome.notSent, outcome.message) = (error.code, error.message)
        case .afterSending(let error): (outcome.afterSending, outcome.message) = (error.code, error.message)
        }
        note("failed")
        finish()
    }

    private func finish() {
        if let successor {
            successor.promise.futureResult.cascade(to: promise)
        } else {
            promise.succeed(outcome)
        }
    }

    /// For those that are told nothing more.
    func giveUp() {
        promise.succeed(outcome)
    }
}
