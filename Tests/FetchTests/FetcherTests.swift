import Addresses
import Kits
import Synchronization
import Testing

@testable import Fetch

@Suite("Fetching what strangers name")
struct FetcherTests {
    private func fetcher(resolving: [String] = []) -> Fetcher {
        Fetcher(proxies: .none, resolving: resolving)
    }

    private func code(_ body: () async throws -> FetchResponse) async -> FetchError.Kind? {
        do {
            _ = try await body()
            return nil
        } catch let error as FetchError {
            return error.kind
        } catch {
            return nil
        }
    }

    @Test("An answer of any status is an answer")
    func answers() async throws {
        let server = try RawServer { _ in
            .http(418, ["X-A: 1", "X-A: 2", "Content-Type: Text/Plain; a=b"], body: "tea")
        }
        let answer = try await fetcher().fetch(FetchRequest("GET", "\(server.origin)/pot", addresses: .loopbackToo))
        #expect(answer.status == 418)
        #expect(String(decoding: answer.body, as: UTF8.self) == "tea")
        #expect(answer.headers("x-a") == ["1", "2"])
        #expect(answer.mediaType == "text/plain")
        #expect(server.requests.count == 1)
        #expect(server.requests[0].hasPrefix("GET /pot HTTP/1.1\r\n"))
    }

    @Test("This machine is out of bounds unless the rule admits it, and nothing is sent")
    func loopback() async throws {
        let server = try RawServer { _ in .http() }
        let fetcher = fetcher(resolving: ["inside.example:\(server.port):127.0.0.1"])
        for url in [
            "https://127.0.0.1:\(server.port)/", "https://[::ffff:127.0.0.1]:\(server.port)/",
            "https://inside.example:\(server.port)/",
        ] {
            #expect(await code { try await fetcher.fetch(FetchRequest("GET", url)) } == .refusedAddress)
        }
        #expect(await code { try await fetcher.fetch(FetchRequest("GET", server.origin)) } == .badURL)
        #expect(server.requests.isEmpty)
    }

    @Test("Loopback allowed opens no other private range, by literal or by name")
    func otherRanges() async throws {
        let fetcher = fetcher(resolving: [
            "rebound.example:443:10.0.0.1,169.254.169.254", "mapped.example:443:[::ffff:10.0.0.1]",
        ])
        for url in [
            "https://10.0.0.1/", "https://169.254.169.254/", "https://rebound.example/", "https://mapped.example/",
            "https://0.0.0.0/",
        ] {
            let request = FetchRequest("GET", url, timeout: .seconds(5), addresses: .loopbackToo)
            #expect(await code { try await fetcher.fetch(request) } == .refusedAddress, "\(url)")
        }
    }

    @Test("Without encryption only this machine is asked, whatever a name says")
    func plain() async throws {
        let fetcher = fetcher(resolving: ["plain.example:80:127.0.0.1"])
        #expect(
            await code { try await fetcher.fetch(FetchRequest("GET", "http://plain.example/", addresses: .publicOnly)) }
                == .badURL
        )
    }

    @Test("A redirect is judged like a first request, and takes no secrets to another origin")
    func redirects() async throws {
        let target = try RawServer { _ in .http(body: "there") }
        let place = "http://localhost:\(target.port)/there"
        let server = try RawServer { request in
            if request.hasPrefix("GET /private") { return .http(302, ["Location: https://10.0.0.1/"]) }
            if request.hasPrefix("GET /file") { return .http(302, ["Location: file:///etc/passwd"]) }
            if request.hasPrefix("GET /round") { return .http(302, ["Location: /round"]) }
            return .http(302, ["Location: \(place)"])
        }
        let fetcher = fetcher(resolving: ["localhost:\(target.port):127.0.0.1"])
        func request(_ path: String, redirects: Int = 3) -> FetchRequest {
            FetchRequest(
                "GET",
                server.origin + path,
                headers: [("Authorization", "Bearer secret"), ("Accept", "text/plain")],
                timeout: .seconds(5),
                addresses: .loopbackToo,
                redirects: redirects
            )
        }
        #expect(try await fetcher.fetch(request("/")).body.count == 5)
        #expect(!target.requests[0].contains("secret"))
        #expect(target.requests[0].contains("Accept: text/plain"))
        #expect(server.requests[0].contains("secret"))
        #expect(await code { try await fetcher.fetch(request("/private")) } == .refusedAddress)
        #expect(await code { try await fetcher.fetch(request("/file")) } == .badURL)
        #expect(await code { try await fetcher.fetch(request("/round")) } == .tooManyRedirects)
        let handed = try await fetcher.fetch(request("/", redirects: 0))
        #expect((handed.status, handed.redirect) == (302, place))
    }

    @Test("A POST follows no redirect")
    func posts() async throws {
        let server = try RawServer { _ in .http(307, ["Location: /elsewhere"]) }
        let request = FetchRequest(
            "POST",
            server.origin,
            body: Array("a=b".utf8),
            addresses: .loopbackToo,
            redirects: 3
        )
        #expect(try await fetcher().fetch(request).status == 307)
        #expect(server.requests.count == 1)
        #expect(server.requests[0].hasSuffix("\r\n\r\na=b"))
    }

    @Test("A long body arrives whole, and once more when a kept connection turns out dead")
    func longBodies() async throws {
        let answers = Mutex(0)
        let server = try RawServer { _ in
            let number = answers.withLock { number in
                number += 1
                return number
            }
            switch number {
            case 1: return .keep(RawServer.Answer.http().bytes)
            case 2: return .close([])
            default: return .http()
            }
        }
        let body = (0..<100_000).map { String($0 % 10) }.joined()
        let request = FetchRequest("POST", server.origin, body: Array(body.utf8), addresses: .any)
        let fetcher = fetcher()
        #expect(try await fetcher.fetch(request).status == 200)
        #expect(try await fetcher.fetch(request).status == 200)
        #expect(server.requests.count == 3)
        #expect(server.requests.allSatisfy { $0.hasSuffix("\r\n\r\n" + body) })
        #expect(server.connections == 2)
    }

    @Test("An answer that is too long is cut, announced or not")
    func bounds() async throws {
        let long = String(repeating: "a", count: 5000)
        let announced = try RawServer { _ in .http(body: long) }
        let endless = try RawServer { _ in .close(Array("HTTP/1.1 200 OK\r\n\r\n\(long)".utf8)) }
        let heads = try RawServer { _ in
            .close(Array("HTTP/1.1 200 OK\r\nX: \(String(repeating: "a", count: 300_000))\r\n".utf8))
        }
        for server in [announced, endless] {
            let request = FetchRequest("GET", server.origin, maxBytes: 4999, addresses: .loopbackToo)
            #expect(await code { try await fetcher().fetch(request) } == .tooLarge)
        }
        let head = await code { try await fetcher().fetch(FetchRequest("GET", heads.origin, addresses: .loopbackToo)) }
        #expect(head == .tooLarge || head == .broken)
    }

    @Test("Silence ends with the time that was given, and a cancelled task ends at once")
    func silence() async throws {
        let server = try RawServer { _ in .silence }
        let begin = ContinuousClock.now
        let request = FetchRequest("GET", server.origin, timeout: .milliseconds(300), addresses: .loopbackToo)
        #expect(await code { try await fetcher().fetch(request) } == .timeout)
        #expect(ContinuousClock.now - begin < .seconds(5))

        let patient = fetcher()
        let origin = server.origin
        let task = Task {
            try await patient.fetch(FetchRequest("GET", origin, timeout: .seconds(60), addresses: .loopbackToo))
        }
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        #expect(await code { try await task.value } == .cancelled)
        #expect(ContinuousClock.now - begin < .seconds(10))
    }

    @Test("An answer that breaks off is no answer")
    func broken() async throws {
        let server = try RawServer { _ in .close(Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".utf8)) }
        #expect(
            await code { try await fetcher().fetch(FetchRequest("GET", server.origin, addresses: .loopbackToo)) }
                == .broken
        )
        #expect(server.requests.count == 1)
    }

    @Test(
        "A header cannot carry another one",
        arguments: [("X", "a\r\nY: b"), ("X\r\nY", "a"), ("X:", "a"), ("", "a")]
    )
    func injection(name: String, value: String) async throws {
        let server = try RawServer { _ in .http() }
        let request = FetchRequest("GET", server.origin, headers: [(name, value)], addresses: .loopbackToo)
        #expect(await code { try await fetcher().fetch(request) } == .badRequest)
        #expect(server.requests.isEmpty)
    }

    @Test("Where no server listens, that is said")
    func absence() async throws {
        let gone = try RawServer { _ in .http() }
        gone.end()
        #expect(
            await code { try await fetcher().fetch(FetchRequest("GET", gone.origin, addresses: .loopbackToo)) }
                == .connect
        )
    }

    @Test("Errors and descriptions tell neither path nor query nor header")
    func secrecy() async throws {
        let request = FetchRequest(
            "GET",
            "http://127.0.0.1:1/secret?secret=secret",
            headers: [("Authorization", "secret")],
            addresses: .loopbackToo
        )
        #expect(!"\(request)".contains("secret"))
        do {
            _ = try await fetcher().fetch(request)
        } catch {
            #expect(!"\(error)".contains("secret"))
        }
    }
}

@Suite("The proxy of the environment")
struct ProxyEnvironmentTests {
    @Test(
        "Exceptions are names, their subdomains, addresses and networks",
        arguments: [
            ("https://api.example.com/", "example.com", true), ("https://example.com/", ".example.com", true),
            ("https://notexample.com/", "example.com", false), ("https://10.1.2.3/", "10.0.0.0/8", true),
            ("https://11.1.2.3/", "10.0.0.0/8", false), ("https://a.example:8443/", "a.example:8443", true),
            ("https://a.example/", "a.example:8443", false), ("https://a.example/", "*", true),
            ("https://[fd00::1]/", "fd00::/8", true),
        ]
    )
    func exceptions(url: String, exception: String, isDirect: Bool) throws {
        let proxies = ProxyEnvironment(environment: ["HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": exception])
        #expect((proxies.proxy(for: try #require(WebURL(url))) == nil) == isDirect)
    }

    @Test("What is on this machine, and what is not encrypted, goes direct")
    func direct() throws {
        let proxies = ProxyEnvironment(environment: ["https_proxy": "http://proxy:3128"])
        #expect(proxies.proxy(for: try #require(WebURL("https://localhost/"))) == nil)
        #expect(proxies.proxy(for: try #require(WebURL("http://127.0.0.1/"))) == nil)
        #expect(proxies.proxy(for: try #require(WebURL("https://example.com/"))) == "http://proxy:3128")
    }
}
