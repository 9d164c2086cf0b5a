import NIOCore
import Testing
import Upstreams

/// What a hostile server of HTTP/2 does once it has a request.
private enum Attack: CaseIterable, Sendable {
    case settingsFlood, pingFlood, resetFlood, emptyDataFlood, continuationFlood, hugeHead, manyFields, hugeFrame
    case windowOverflow, push, strayData, strayStream, bodyFirst, twoHeads, oddLength, noStatus, upperCase, lineBreak
    case transferEncoding, gzip, protocolSwitch, interimFlood, bodyOfNone, nonsense

    private typealias Frame = HTTP2Server.Frame

    func begin(_ connection: HTTP2Server.Connection, _ stream: Int) {
        func repeated(_ times: Int, _ make: (Int) -> [Frame]) {
            for number in 0..<times { for frame in make(number) { connection.send(frame) } }
        }
        switch self {
        case .settingsFlood: repeated(4000) { _ in [.settings([(4, 65_535)])] }
        case .pingFlood: repeated(4000) { _ in [Frame(kind: .ping, payload: Frame.number(0) + Frame.number(0))] }
        case .resetFlood: repeated(1000) { _ in [.reset(stream, 8)] }
        case .emptyDataFlood:
            connection.send(connection.head(stream))
            repeated(100) { _ in [.data(stream, "")] }
        case .continuationFlood:
            let part = connection.headers([("x", "y")])
            connection.send(Frame(kind: .headers, stream: stream, payload: connection.headers([(":status", "200")])))
            repeated(100) { _ in [Frame(kind: .continuation, stream: stream, payload: part)] }
        case .hugeHead:
            let parts = (0..<8).map { connection.headers([("x\($0)", String(repeating: "y", count: 15_000))]) }
            connection.send(Frame(kind: .headers, stream: stream, payload: connection.headers([(":status", "200")])))
            for part in parts { connection.send(Frame(kind: .continuation, stream: stream, payload: part)) }
        case .manyFields:
            connection.send(connection.head(stream, (0..<1000).map { ("x\($0)", "y") }, ends: true))
        case .hugeFrame:
            connection.send(connection.head(stream), .data(stream, String(repeating: "a", count: 1 << 20)))
        case .windowOverflow: repeated(3) { _ in [Frame(kind: .window, payload: Frame.number(0x7FFF_FFFF))] }
        case .push:
            let promised = Frame.number(2) + connection.headers([(":method", "GET"), (":path", "/")])
            connection.send(Frame(kind: .push, flags: Frame.endHeaders, stream: stream, payload: promised))
        case .strayData: connection.send(.data(stream + 100, "a"))
        case .strayStream: connection.send(connection.head(2, ends: true))
        case .bodyFirst: connection.send(.data(stream, "{}", ends: true))
        case .twoHeads: connection.send(connection.head(stream), connection.head(stream, ends: true))
        case .oddLength:
            connection.send(connection.head(stream, [("content-length", "5")]), .data(stream, "{}", ends: true))
        case .noStatus:
            let head = connection.headers([("content-type", "text/plain")])
            connection.send(
                Frame(kind: .headers, flags: Frame.endHeaders | Frame.endStream, stream: stream, payload: head)
            )
        case .upperCase: connection.send(connection.head(stream, [("X-Upper", "a")], ends: true))
        case .lineBreak: connection.send(connection.head(stream, [("x", "a\r\nset-cookie: b")], ends: true))
        case .transferEncoding:
            connection.send(
                connection.head(stream, [("transfer-encoding", "chunked")]),
                .data(stream, "{}", ends: true)
            )
        case .gzip:
            connection.send(connection.head(stream, [("content-encoding", "gzip")]), .data(stream, "{}", ends: true))
        case .protocolSwitch: connection.send(connection.head(stream, status: "101"))
        case .interimFlood: repeated(1000) { _ in [connection.head(stream, status: "103")] }
        case .bodyOfNone: connection.send(connection.head(stream, status: "204"), .data(stream, "{}", ends: true))
        case .nonsense: connection.sendBytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8))
        }
    }
}

@Suite("Hostile servers of HTTP/2")
struct HTTP2HostileTests {
    @Test("Each attack ends its exchange, and the next exchange is answered", arguments: Attack.allCases)
    fileprivate func attack(_ attack: Attack) async throws {
        let server = try HTTP2Server { connection, frame in
            guard frame.endsStream else { return }
            if connection.server.notes.contains("attacked") { return connection.answer(frame.stream, "fine") }
            connection.server.note("attacked")
            attack.begin(connection, frame.stream)
        }
        defer { server.stop() }
        let bench = try await PoolBench { $0.authoritiesFile = server.certificate }
        let endpoint = try UpstreamEndpoint(url: "https://localhost:\(server.port)/", allowsLoopback: true)
        let outcome = try await bench.outcome(at: endpoint, body: "{}")
        #expect(outcome.afterSending != nil, "\(outcome.calls)")
        let next = try await bench.outcome(at: endpoint, body: "{}")
        #expect(next.body == "fine", "\(next.calls)")
    }

    @Test("A server that sends more than it may is cut off")
    func overrun() async throws {
        let server = try HTTP2Server { connection, frame in
            guard frame.endsStream else { return }
            connection.send(connection.head(frame.stream))
            for _ in 0..<40 { connection.send(.data(frame.stream, String(repeating: "a", count: 16_384))) }
        }
        defer { server.stop() }
        let bench = try await PoolBench { $0.authoritiesFile = server.certificate }
        let endpoint = try UpstreamEndpoint(url: "https://localhost:\(server.port)/", allowsLoopback: true)
        let stalled = try await bench.onLoop { pool in
            let recorder = Recorder(pool.server(for: endpoint)) { recorder, call in
                if call == "head" { recorder.exchange?.isReading = false }
            }
            return NIOLoopBound(recorder, eventLoop: bench.loop)
        }
        let outcome = try await bench.loop.flatSubmit { stalled.value.promise.futureResult }.get()
        #expect(outcome.afterSending == .malformedResponse)
        #expect(outcome.body.utf8.count <= 262_144)
    }

    /// Sends as much as it may, and no more.
    private final class Sender {
        var windows: [Int: Int] = [:]
        var rest: [Int: Int] = [:]
        var most = 65_535
        var all = 65_535

        func took(_ frame: HTTP2Server.Frame) {
            switch frame.kind {
            case .settings where frame.payload.count >= 6:
                for start in stride(from: 0, to: frame.payload.count, by: 6) where frame.payload[start + 1] == 4 {
                    most = frame.payload[(start + 2)...(start + 5)].reduce(0) { $0 << 8 | Int($1) }
                }
            case .window:
                let increment = frame.payload.reduce(0) { $0 << 8 | Int($1) }
                if frame.stream == 0 { all += increment } else { windows[frame.stream, default: most] += increment }
            default: break
            }
        }

        func pump(_ connection: HTTP2Server.Connection) {
            for stream in rest.keys.sorted() {
                while let left = rest[stream], left > 0 {
                    let count = min(left, 16_384, windows[stream, default: most], all)
                    guard count > 0 else { break }
                    windows[stream, default: most] -= count
                    all -= count
                    rest[stream] = left - count
                    let body = String(repeating: "a", count: count)
                    connection.send(.data(stream, body, ends: left == count))
                    connection.server.note("\(stream) \(count)")
                }
            }
        }
    }

    @Test("Of an answer that nobody takes little comes, the others come whole, and it goes on where it stopped")
    func flow() async throws {
        let senders = Senders()
        let server = try HTTP2Server { connection, frame in
            let sender = senders.of(connection)
            sender.took(frame)
            if frame.endsStream {
                connection.send(connection.head(frame.stream))
                sender.rest[frame.stream] = 3_000_000
            }
            sender.pump(connection)
        }
        defer { server.stop() }
        let bench = try await PoolBench { $0.authoritiesFile = server.certificate }
        let endpoint = try UpstreamEndpoint(url: "https://localhost:\(server.port)/", allowsLoopback: true)
        let stalled = try await bench.onLoop { pool in
            let recorder = Recorder(pool.server(for: endpoint)) { recorder, call in
                if call == "head" { recorder.exchange?.isReading = false }
            }
            return NIOLoopBound(recorder, eventLoop: bench.loop)
        }
        func sent(_ stream: Int) -> Int {
            server.notes.filter { $0.hasPrefix("\(stream) ") }.compactMap { Int($0.dropFirst(2)) }.reduce(0, +)
        }
        while sent(1) < 262_144 { try await Task.sleep(for: .milliseconds(5)) }
        for _ in 0..<3 {
            let outcome = try await bench.outcome(at: endpoint, body: "{}")
            #expect(outcome.body.utf8.count == 3_000_000)
        }
        #expect(sent(1) == 262_144)
        try await bench.onLoop { _ in stalled.value.exchange?.isReading = true }
        let outcome = try await bench.loop.flatSubmit { stalled.value.promise.futureResult }.get()
        #expect(outcome.body.utf8.count == 3_000_000)
        #expect(outcome.calls.last == "ended")
    }

    /// One for each connection; all of them are used on event loops of their own.
    private final class Senders: @unchecked Sendable {
        // Each is made and used on the loop of its connection alone, and this test has one connection that asks.
        private var all: [Int: Sender] = [:]

        func of(_ connection: HTTP2Server.Connection) -> Sender {
            if let sender = all[connection.number] { return sender }
            let sender = Sender()
            all[connection.number] = sender
            return sender
        }
    }
}
