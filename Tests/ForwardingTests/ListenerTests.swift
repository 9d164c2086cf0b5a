import Errors
import Forwarding
import Foundation
import ServiceKit
import StrictJSON
import Testing

extension RealSockets {
    @Suite("The listener")
    struct ListenerTests {
        private func withDesk(
            _ configuration: ForwardingConfiguration = ForwardingConfiguration(),
            _ body: (Desk) async throws -> Void
        ) async throws {
            let desk = try await Desk(configuration: configuration)
            do {
                try await body(desk)
            } catch {
                await desk.stop()
                throw error
            }
            await desk.stop()
        }

        @Test("Health is open to the user's own programs, and the connection stays open for the next request")
        func health() async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                for _ in 0..<3 {
                    try await client.send(desk.request("GET /healthz", token: nil, []))
                    #expect(try await client.answer().status == 200)
                }
                try await client.send(desk.request("GET /readyz?a=b", token: nil, []))
                #expect(try await client.answer().body == "GET /readyz a=b local false ")
            }
        }

        @Test(
            "Each refusal has its status",
            arguments: [
                ("GET /healthz", "Host: evil.example", 421), ("GET /servers/up/mcp", "Origin: null", 403),
                ("GET /nowhere", "X: y", 404), ("GET /control/status", "X: y", 404), ("GET /mcps", "X: y", 404),
                ("POST /healthz", "Content-Length: 0", 405),
                ("PUT /servers/up/mcp", "X: y", 405), ("OPTIONS /servers/up/mcp", "X: y", 405),
                ("POST /servers/up/mcp", "Content-Type: text/plain", 415), ("POST /servers/up/mcp", "X: y", 415),
                ("POST /servers/up/mcp", "Content-Type: application/json; charset=latin1", 415),
                ("GET /.well-known/oauth-protected-resource", "X: y", 404),
            ]
        )
        func refusals(line: String, header: String, status: Int) async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                if header.hasPrefix("Host") {
                    try await client.send("\(line) HTTP/1.1\r\n\(header)\r\n\r\n")
                } else {
                    try await client.send(desk.request(line, [header]))
                }
                #expect(try await client.answer().status == status)
            }
        }

        @Test("Without a credential there is nothing but health, and what to do")
        func credential() async throws {
            try await withDesk { desk in
                for authorization in ["", "Authorization: Bearer dwc1_wrong\r\n", "Authorization: Basic YTpi\r\n"] {
                    let client = try await desk.client()
                    try await client.send(
                        "POST /servers/up/mcp HTTP/1.1\r\nHost: 127.0.0.1:\(desk.port)\r\n\(authorization)"
                            + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                    )
                    let text = try await client.end()
                    #expect(text.hasPrefix("HTTP/1.1 401 "))
                    #expect(!text.lowercased().contains("www-authenticate"))
                    #expect(text.contains("doorward client add NAME"))
                }
                let client = try await desk.client()
                try await client.send(desk.request("GET /.well-known/oauth-protected-resource", token: nil, []))
                let answer = try await client.answer()
                #expect(answer.status == 404)
                #expect(answer.headers["www-authenticate"] == nil)
            }
        }

        @Test("Each request is known by the credential that it shows itself, whatever the one before it showed")
        func ownCredential() async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                let close = String(Desk.token.dropLast()) + "B"
                for (token, status) in [(Desk.token, 404), (close, 401), (Desk.token, 404), (nil, 401)]
                    as [(String?, Int)]
                {
                    try await client.send(desk.request("GET /nowhere", token: token, []))
                    #expect(try await client.answer().status == status)
                }
            }
        }

        @Test("A client that is removed is out at once")
        func removedClient() async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                try await client.send(desk.request("GET /nowhere", []))
                #expect(try await client.answer().status == 404)
                await desk.update { $0.clients.removeFirst() }
                try await client.send(desk.request("GET /nowhere", []))
                #expect(try await client.answer().status == 401)
            }
        }

        @Test(
            "After a head with two readings nothing more is read",
            arguments: [
                "Content-Length: 2\r\nTransfer-Encoding: chunked", "Content-Length: 2\r\nContent-Length: 3",
                "Transfer-Encoding: xchunked", "X: a\r\n folded: b\r\nContent-Length: 2",
                "X: a\0b\r\nContent-Length: 2",
            ]
        )
        func smuggling(lines: String) async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                let next = desk.request("GET /healthz", token: nil, [])
                try await client.send(
                    "POST /servers/up/mcp HTTP/1.1\r\nHost: 127.0.0.1:\(desk.port)\r\nAuthorization: Bearer \(Desk.token)\r\n"
                        + "Content-Type: application/json\r\n\(lines)\r\n\r\n{}" + next
                )
                let text = try await client.end()
                #expect(text.hasPrefix("HTTP/1.1 400 ") || text.hasPrefix("HTTP/1.1 501 "))
                #expect(text.components(separatedBy: "HTTP/1.1 ").count == 2)
            }
        }

        @Test("Heads and bodies that are too long are refused at once")
        func tooLong() async throws {
            try await withDesk { desk in
                let head = try await desk.client()
                try await head.send("GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n")
                #expect(try await head.end().hasPrefix("HTTP/1.1 431 "))
                let body = try await desk.client()
                try await body.send(
                    desk.request("POST /servers/up/mcp", ["Content-Type: application/json", "Content-Length: 4194305"])
                )
                #expect(try await body.end().hasPrefix("HTTP/1.1 413 "))
            }
        }

        @Test("A client that takes too long over a head or a body is let go")
        func slowSenders() async throws {
            var configuration = ForwardingConfiguration()
            configuration.headDeadline = .milliseconds(200)
            configuration.bodyRest = .milliseconds(200)
            try await withDesk(configuration) { desk in
                let quiet = try await desk.client()
                let head = try await desk.client()
                try await head.send("GET /healthz HTTP/1.1\r\nHost: 127")
                let body = try await desk.client()
                try await body.send(
                    desk.request("POST /servers/up/mcp", ["Content-Type: application/json", "Content-Length: 5"]) + "{"
                )
                #expect(try await head.end().hasPrefix("HTTP/1.1 408 "))
                #expect(try await body.end().hasPrefix("HTTP/1.1 408 "))
                // A connection that rests between two requests is no slow sender.
                try await quiet.send(desk.request("GET /healthz", token: nil, []))
                #expect(try await quiet.answer().status == 200)
            }
        }

        @Test("A head that trickles has no more time than one that does not")
        func trickle() async throws {
            var configuration = ForwardingConfiguration()
            configuration.headDeadline = .milliseconds(300)
            try await withDesk(configuration) { desk in
                let client = try await desk.client()
                let begin = ContinuousClock.now
                try await client.send("GET /healthz HTTP/1.1\r\n")
                while !client.isClosed, ContinuousClock.now - begin < .seconds(3) {
                    try? await client.send("X: y\r\n")
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(client.text.hasPrefix("HTTP/1.1 408 "))
                #expect(ContinuousClock.now - begin < .seconds(2))
            }
        }

        @Test("Requests that are sent at once are answered one after the other")
        func pipelined() async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                let all = (0..<200).map { desk.request("GET /readyz?\($0)", token: nil, []) }.joined()
                try await client.send(all)
                for number in 0..<200 {
                    #expect(try await client.answer().body.contains(" \(number) "))
                }
            }
        }

        @Test("A client that waits to be asked for the body is asked")
        func expectation() async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                let head = desk.request(
                    "POST /servers/up/mcp",
                    ["Content-Type: application/json", "Expect: 100-continue", "Content-Length: 2"]
                )
                try await client.send(head)
                try await client.wait { $0.text == "HTTP/1.1 100 Continue\r\n\r\n" }
                try await client.send("{}")
                try await client.wait { $0.text.contains("HTTP/1.1 400 ") }
            }
        }

        @Test("The connection ends where the client says so")
        func close() async throws {
            try await withDesk { desk in
                let client = try await desk.client()
                try await client.send(desk.request("GET /healthz", token: nil, ["Connection: close"]))
                let text = try await client.end()
                #expect(text.hasPrefix("HTTP/1.1 200 "))
                #expect(text.contains("Connection: close"))
            }
        }

        @Test("When the table is full the connection idle longest gives way, and the next caller always gets in")
        func full() async throws {
            var configuration = ForwardingConfiguration()
            configuration.mostConnections = 8
            try await withDesk(configuration) { desk in
                var idle: [RawClient] = []
                for _ in 0..<20 { idle.append(try await desk.client()) }
                let client = try await desk.client()
                try await client.send(desk.request("GET /healthz", token: nil, []))
                #expect(try await client.answer().status == 200)
                try await idle[0].wait { $0.isClosed }
                #expect(idle.filter(\.isClosed).count >= 12)
            }
        }

        @Test("The socket proves the user: Host is free and the credential may be missing, but not wrong")
        func unixSocket() async throws {
            try await withDesk { desk in
                let path = desk.listening.socketPath
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect((attributes[.posixPermissions] as? Int) == 0o600)
                let folder = try FileManager.default.attributesOfItem(atPath: desk.folder + "/run")
                #expect((folder[.posixPermissions] as? Int) == 0o700)
                let client = try await RawClient(socketPath: path)
                try await client.send("POST /control/x HTTP/1.1\r\nHost: anything\r\nContent-Length: 2\r\n\r\nhi")
                #expect(try await client.answer().body == "POST /control/x - local true hi")
                try await client.send(
                    "GET /control/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(Desk.token)\r\n\r\n"
                )
                #expect(try await client.answer().body == "GET /control/x - tests true ")
                try await client.send("GET /control/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer dwc1_wrong\r\n\r\n")
                #expect(try await client.answer().status == 401)
            }
        }

        @Test("A socket on which a program answers stays its own, one on which no program answers is replaced")
        func staleSocket() async throws {
            try await withDesk { desk in
                let path = desk.listening.socketPath
                await #expect(throws: ForwardingError(.inUse, "")) {
                    _ = try await desk.service.listen(
                        on: ListenAddress("127.0.0.1:0"),
                        socketPath: path,
                        pages: FakePages()
                    )
                }
                // A socket is left behind by an agent that was killed.
                let stale = desk.folder + "/run/stale.sock"
                let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
                var address = sockaddr_un()
                address.sun_family = sa_family_t(AF_UNIX)
                withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: stale.utf8) }
                let status = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                    }
                }
                #expect(status == 0)
                Glibc.close(file)
                let second = try await desk.service.listen(
                    on: ListenAddress("127.0.0.1:0"),
                    socketPath: stale,
                    pages: FakePages()
                )
                #expect(second.socketPath == stale)
            }
        }

        @Test("Folders that are missing are made, for this user alone")
        func folders() async throws {
            try await withDesk { desk in
                let folder = desk.folder + "/a/b"
                let second = try await desk.service.listen(
                    on: ListenAddress("127.0.0.1:0"),
                    socketPath: folder + "/s.sock",
                    pages: FakePages()
                )
                #expect(second.socketPath == folder + "/s.sock")
                for each in [folder, desk.folder + "/a"] {
                    let attributes = try FileManager.default.attributesOfItem(atPath: each)
                    #expect((attributes[.posixPermissions] as? Int) == 0o700)
                }
            }
        }

        @Test("A path that no socket can have is a clear error, and so is a foreign port")
        func badPlaces() async throws {
            try await withDesk { desk in
                let long = desk.folder + "/" + String(repeating: "a", count: 120)
                await #expect(throws: ForwardingError(.pathTooLong, "")) {
                    _ = try await desk.service.listen(
                        on: ListenAddress("127.0.0.1:0"),
                        socketPath: long,
                        pages: FakePages()
                    )
                }
                await #expect(throws: ForwardingError(.inUse, "")) {
                    _ = try await desk.service.listen(
                        on: ListenAddress("127.0.0.1:\(desk.port)"),
                        socketPath: desk.folder + "/run/b.sock",
                        pages: FakePages()
                    )
                }
                #expect(FileManager.default.createFile(atPath: desk.folder + "/run/c.sock", contents: nil))
                await #expect(throws: ForwardingError(.badFolder, "")) {
                    _ = try await desk.service.listen(
                        on: ListenAddress("127.0.0.1:0"),
                        socketPath: desk.folder + "/run/c.sock",
                        pages: FakePages()
                    )
                }
            }
        }

        @Test("After the end no client is let in, and the socket is gone")
        func shutdown() async throws {
            let desk = try await Desk()
            let client = try await desk.client()
            await desk.service.shutdown()
            try await client.wait { $0.isClosed }
            #expect(!FileManager.default.fileExists(atPath: desk.listening.socketPath))
            await #expect(throws: (any Error).self) { _ = try await desk.client() }
            await desk.stop()
        }
    }
}
