import Foundation
import NIOCore
import Testing
import Upstreams
import Wire

@Suite("Exchanges with servers")
struct ExchangeTests {
    @Test("A connection is used again, and short and long bodies arrive whole")
    func reuse() async throws {
        let server = try RawServer.counting()
        let bench = try await PoolBench()
        for body in ["{}", String(repeating: "a", count: 8192), String(repeating: "b", count: 1_000_000)] {
            let outcome = try await bench.outcome(port: server.port, body: body)
            #expect(outcome.body == "connection 1")
            #expect(outcome.calls == ["sent", "head", "body", "ended"])
            #expect(server.notes.last?.hasSuffix("\r\n\r\n" + body) == true)
        }
        #expect(server.connections == 1)
    }

    @Test("The connection that was used last goes first")
    func lastInFirstOut() async throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try RawServer { server, connection in
            while connection.readRequest() != nil {
                server.note("\(connection.number)")
                // The first connection answers only after the second.
                if connection.number == 1 { gate.wait() }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(connection.number)")
                if connection.number == 2 { gate.signal() }
            }
        }
        let bench = try await PoolBench()
        async let first = bench.outcome(port: server.port)
        while server.notes.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await bench.outcome(port: server.port).body == "2")
        #expect(try await first.body == "1")
        gate.signal()
        #expect(try await bench.outcome(port: server.port).body == "1")
        #expect(server.connections == 2)
    }

    @Test("Chunks are taken out, however they are cut, and the connection is used again")
    func chunked() async throws {
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n8;x=y\r\n, world!\r\n0\r\nT: x\r\n\r\n"
        let server = try RawServer { _, connection in
            var cut = 1
            while connection.readRequest() != nil {
                connection.send(String(text.prefix(cut)))
                usleep(2000)
                connection.send(String(text.dropFirst(cut)))
                cut += 7
            }
        }
        let bench = try await PoolBench()
        for _ in 0..<text.utf8.count / 7 {
            let outcome = try await bench.outcome(port: server.port)
            #expect(outcome.body == "hello, world!")
            #expect(outcome.hasEnded)
        }
        #expect(server.connections == 1)
    }

    @Test("A body that ends with the connection is whole")
    func untilClose() async throws {
        let server = try RawServer { _, connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\n\r\nall of it")
        }
        let bench = try await PoolBench()
        for _ in 0..<2 {
            let outcome = try await bench.outcome(port: server.port)
            #expect(outcome.body == "all of it")
            #expect(outcome.hasEnded)
        }
        #expect(server.connections == 2)
    }

    @Test(
        "A response that breaks off is no response",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nContent-Le",
            "",
        ]
    )
    func breaksOff(_ text: String) async throws {
        let server = try RawServer { _, connection in
            _ = connection.readRequest()
            connection.send(text)
        }
        let outcome = try await PoolBench().outcome(port: server.port, body: "{}")
        #expect(outcome.afterSending == .closed)
        #expect(!outcome.hasEnded)
        #expect(server.connections == 1)
    }

    @Test(
        "A response with two readings is refused, and its connection closed",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}",
            "nonsense\r\n\r\n",
        ]
    )
    func twoReadings(_ text: String) async throws {
        let server = try RawServer { server, connection in
            _ = connection.readRequest()
            connection.send(text)
            server.note("\(connection.waitForEnd(seconds: 5))")
        }
        let outcome = try await PoolBench().outcome(port: server.port, body: "{}")
        #expect(outcome.afterSending == .malformedResponse)
        while server.notes.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(server.notes == ["true"])
    }

    @Test("A head that does not end is refused")
    func endlessHead() async throws {
        let server = try RawServer { _, connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\n")
            while connection.send("X: \(String(repeating: "a", count: 1000))\r\n") {}
        }
        #expect(try await PoolBench().outcome(port: server.port).afterSending == .malformedResponse)
    }

    @Test("What follows a response on its connection answers no other request")
    func splitting() async throws {
        let injected = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        let server = try RawServer { _, connection in
            while connection.readRequest() != nil {
                let extra = connection.number == 1 ? injected : ""
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" + extra)
            }
        }
        let bench = try await PoolBench()
        for _ in 0..<2 {
            let outcome = try await bench.outcome(port: server.port)
            #expect(outcome.body == "good")
            #expect(outcome.hasEnded)
        }
        #expect(server.connections == 2)
    }

    @Test("What arrives while no request is open poisons the connection")
    func unsolicited() async throws {
        let server = try RawServer { server, connection in
            while connection.readRequest() != nil {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
                guard connection.number == 1 else { continue }
                usleep(50_000)
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
                server.note("\(connection.waitForEnd(seconds: 5))")
            }
        }
        let bench = try await PoolBench()
        #expect(try await bench.outcome(port: server.port).body == "good")
        while server.notes.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(server.notes == ["true"])
        #expect(try await bench.outcome(port: server.port).body == "good")
        #expect(server.connections == 2)
    }

    @Test("Interim responses are passed over; a redirect is handed over and not followed")
    func redirect() async throws {
        let server = try RawServer { server, connection in
            while let request = connection.readRequest() {
                server.note(String(request.prefix(8)))
                connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 307 Temporary Redirect\r\n")
                connection.send("Location: http://127.0.0.1:\(server.port)/other\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let outcome = try await PoolBench().outcome(port: server.port)
        #expect(outcome.status == 307)
        #expect(outcome.head.contains("/other"))
        #expect(outcome.calls == ["sent", "head", "ended"])
        #expect(server.notes == ["GET /mcp"])
    }

    @Test("An answer before the request has been taken is an answer, and the connection is done")
    func early() async throws {
        let server = try RawServer { _, connection in
            _ = connection.read(100)
            connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
            // Quickly it could take the whole body before the answer is read at the other end.
            _ = connection.waitForEnd(seconds: 5, readingSlowly: true)
        }
        let bench = try await PoolBench()
        let outcome = try await bench.outcome(port: server.port, body: String(repeating: "a", count: 40_000_000))
        #expect(outcome.status == 413)
        #expect(outcome.body == "no")
        #expect(outcome.hasEnded)
        #expect(try await bench.outcome(port: server.port).status == 413)
        #expect(server.connections == 2)
    }

    @Test("Cancelling in the middle of a body closes the connection, and nothing more is told")
    func cancel() async throws {
        let server = try RawServer { server, connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n")
            server.note("\(connection.waitForEnd(seconds: 5))")
        }
        let bench = try await PoolBench()
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/", allowsLoopback: true)
        let recorder = try await bench.onLoop { pool in
            let recorder = Recorder(pool.server(for: endpoint), lane: .stream) { recorder, call in
                if call == "body" {
                    recorder.exchange?.cancel()
                    recorder.exchange?.cancel()
                }
            }
            return NIOLoopBound(recorder, eventLoop: bench.loop)
        }
        while server.notes.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(server.notes == ["true"])
        let calls = try await bench.onLoop { _ in
            #expect(recorder.value.exchange?.isEnded == true)
            recorder.value.giveUp()
            return recorder.value.outcome.calls
        }
        #expect(calls == ["sent", "head", "body"])
    }

    @Test("A reader that has enough holds the server back")
    func backpressure() async throws {
        let total = 16 * 1024 * 1024
        let server = try RawServer { server, connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let piece = String(repeating: "a", count: 1024 * 1024)
            for _ in 0..<16 where connection.send(piece) { server.note("piece") }
            _ = connection.waitForEnd(seconds: 10)
        }
        let bench = try await PoolBench()
        let endpoint = try UpstreamEndpoint(url: "http://127.0.0.1:\(server.port)/", allowsLoopback: true)
        let recorder = try await bench.onLoop { pool in
            let recorder = Recorder(pool.server(for: endpoint)) { recorder, call in
                if call == "head" { recorder.exchange?.isReading = false }
            }
            return NIOLoopBound(recorder, eventLoop: bench.loop)
        }
        try await Task.sleep(for: .milliseconds(300))
        let held = try await bench.onLoop { _ in
            let count = recorder.value.outcome.body.utf8.count
            recorder.value.exchange?.isReading = true
            return count
        }
        #expect(held < 4 * 1024 * 1024)
        let outcome = try await bench.loop.flatSubmit { recorder.value.promise.futureResult }.get()
        #expect(outcome.hasEnded)
        #expect(outcome.body.utf8.count == total)
        // The connection reads again for the next exchange.
        #expect(try await bench.onLoop { $0.server(for: endpoint).restingCount } == 1)
    }
}
