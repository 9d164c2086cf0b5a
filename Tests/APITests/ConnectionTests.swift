import Contract
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import ServiceKit
import StrictJSON
import Testing

@testable import API

@Suite("Connections")
struct ConnectionTests {
    private func connection(_ ledger: ConnectionLedger) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: ConnectionDeadlines(ledger: ledger))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func ledger(most: Int = 8, _ metrics: MetricsRegistry = MetricsRegistry()) -> ConnectionLedger {
        ConnectionLedger(most: most, metrics: metrics)
    }

    private func head(_ method: HTTPRequest.Method = .post) -> HTTPRequestPart {
        .head(HTTPRequest(method: method, scheme: "https", authority: nil, path: "/"))
    }

    private func ask(_ channel: EmbeddedChannel) throws {
        try channel.writeInbound(head())
        try channel.writeInbound(HTTPRequestPart.end(nil))
    }

    private func answer(_ channel: EmbeddedChannel) throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    @Test("A request that drips is cut off, however steadily it does")
    func drip() throws {
        let channel = try connection(ledger())
        try channel.writeInbound(head())
        for _ in 0..<59 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
        }
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("A request that is whole may be answered as late as its operation likes")
    func longPoll() throws {
        let channel = try connection(ledger())
        try channel.writeInbound(head())
        try channel.writeInbound(HTTPRequestPart.end(nil))
        channel.embeddedEventLoop.advanceTime(by: .hours(1))
        try answer(channel)
        #expect(channel.isActive)
        // And the next one on the same connection has its own deadline.
        try channel.writeInbound(head())
        channel.embeddedEventLoop.advanceTime(by: .seconds(61))
        #expect(!channel.isActive)
    }

    @Test("A body without end is not read for ever")
    func flood() throws {
        let channel = try connection(ledger())
        try channel.writeInbound(head())
        let piece = ByteBuffer(repeating: 0, count: 1 << 20)
        for _ in 0..<16 { try channel.writeInbound(HTTPRequestPart.body(piece)) }
        #expect(channel.isActive)
        try channel.writeInbound(HTTPRequestPart.body(piece))
        #expect(!channel.isActive)
    }

    @Test("A client that does not take its answer is let go")
    func stall() throws {
        let channel = try connection(ledger())
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(120))
        #expect(channel.isActive)
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.advanceTime(by: .seconds(61))
        #expect(!channel.isActive)
    }

    @Test("Of too many connections the one that rests longest goes, and never one that is being answered")
    func tooMany() throws {
        let metrics = MetricsRegistry()
        let ledger = ledger(most: 3, metrics)
        let busy = try connection(ledger)
        try ask(busy)
        let first = try connection(ledger)
        let second = try connection(ledger)
        // The first one was used since.
        try ask(first)
        try answer(first)
        let third = try connection(ledger)
        #expect(busy.isActive && first.isActive && third.isActive)
        #expect(!second.isActive)
        #expect(metrics.counter("doorward_http_connections_closed_total", help: "").total == 1)
        #expect(metrics.gauge("doorward_http_connections", help: "").current == 3)
        for channel in [busy, first, third] { _ = try channel.finish(acceptAlreadyClosed: true) }
        #expect(metrics.gauge("doorward_http_connections", help: "").current == 0)
    }

    @Test("A request that is not whole keeps no other client out: of those the oldest goes, and never the newcomer")
    func unfinished() throws {
        let ledger = ledger(most: 3)
        let busy = try connection(ledger)
        try ask(busy)
        let idlers = [try connection(ledger), try connection(ledger)]
        for channel in idlers {
            try channel.writeInbound(head())
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
        }
        let newcomer = try connection(ledger)
        #expect(busy.isActive && newcomer.isActive)
        #expect(idlers.map(\.isActive) == [false, true])
        try newcomer.writeInbound(head())
        let next = try connection(ledger)
        #expect(busy.isActive && newcomer.isActive && next.isActive)
        #expect(idlers.map(\.isActive) == [false, false])
    }

    @Test("What was refused before it was whole, or is answered and not taken, keeps no other client out either")
    func unwilling() throws {
        let ledger = ledger(most: 3)
        let refused = try connection(ledger)
        try refused.writeInbound(head())
        try answer(refused)
        let deaf = try connection(ledger)
        try ask(deaf)
        deaf.isWritable = false
        deaf.pipeline.fireChannelWritabilityChanged()
        let busy = try connection(ledger)
        try ask(busy)
        let newcomers = [try connection(ledger), try connection(ledger)]
        #expect(!refused.isActive && !deaf.isActive)
        #expect(busy.isActive && newcomers.map(\.isActive) == [true, true])
    }

    @Test("When all are being answered, the one that is so longest goes")
    func allBusy() throws {
        let ledger = ledger(most: 2)
        let busy = [try connection(ledger), try connection(ledger)]
        for channel in busy { try ask(channel) }
        let newcomer = try connection(ledger)
        #expect(busy.map(\.isActive) == [false, true])
        #expect(newcomer.isActive)
    }

    /// A connection on which something is waited for, and which the other side then closes.
    private func left(_ close: (EmbeddedChannel, DisconnectSignal) throws -> Void) throws -> DisconnectSignal {
        let channel = try connection(ledger())
        try ask(channel)
        let disconnect = DisconnectSignal()
        try close(channel, disconnect)
        return disconnect
    }

    @Test("A client that closes its side is not waited for, whenever it does", .timeLimit(.minutes(1)))
    func leaving() async throws {
        // An embedded channel stays on one thread, so nothing is awaited while there is one.
        let disconnects = [
            try left { channel, disconnect in
                channel.triggerUserOutboundEvent(disconnect, promise: nil)
                channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                // The client may still read what is answered.
                #expect(channel.isActive)
            },
            try left { channel, disconnect in
                channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                channel.triggerUserOutboundEvent(disconnect, promise: nil)
            },
            try left { channel, disconnect in
                channel.triggerUserOutboundEvent(disconnect, promise: nil)
                try channel.close().wait()
            },
        ]
        for disconnect in disconnects { await disconnect.wait() }
    }

    @Test(
        "What is no request is answered with a problem, once, and the connection closed",
        arguments: [
            (HTTPParserError.headerOverflow, 431), (.invalidContentLength, 400), (.unexpectedContentLength, 400),
        ]
    )
    func unreadable(error: HTTPParserError, status: Int) throws {
        let channel = EmbeddedChannel(handlers: [ConnectionDeadlines(ledger: ledger()), UnreadableRequests()])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        channel.pipeline.fireErrorCaught(error)
        channel.pipeline.fireErrorCaught(error)
        guard case .head(let head)? = try channel.readOutbound(as: HTTPResponsePart.self),
            case .body(let body)? = try channel.readOutbound(as: HTTPResponsePart.self),
            case .end? = try channel.readOutbound(as: HTTPResponsePart.self)
        else {
            Issue.record("there is no answer")
            return
        }
        #expect(try channel.readOutbound(as: HTTPResponsePart.self) == nil)
        #expect(head.status.code == status)
        #expect(head.headerFields[.contentType] == Problem.mediaType)
        #expect(head.headerFields[.contentLength] == "\(body.readableBytes)")
        #expect(Problem(try JSONValue(parsing: Array(buffer: body)))?.status == status)
        #expect(!channel.isActive)
    }

    @Test("An error while a request is answered is left to the code that answers it")
    func unreadableBody() throws {
        let channel = EmbeddedChannel(handlers: [UnreadableRequests()])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(head())
        channel.pipeline.fireErrorCaught(HTTPParserError.invalidChunkSize)
        #expect(throws: HTTPParserError.invalidChunkSize) { try channel.throwIfErrorCaught() }
        #expect(try channel.readOutbound(as: HTTPResponsePart.self) == nil)
    }

    @Test("At the end all are closed, whatever they are in the middle of")
    func end() throws {
        let ledger = ledger()
        let channels = [try connection(ledger), try connection(ledger)]
        try channels[0].writeInbound(head())
        ledger.closeAll()
        #expect(channels.map(\.isActive) == [false, false])
    }
}
