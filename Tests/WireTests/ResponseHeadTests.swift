import Testing
import Wire

@Suite("Response heads")
struct ResponseHeadTests {
    private func scan(_ text: String, ends: [Int]? = nil) -> (HeadScan, ResponseHead) {
        var scanner = ResponseHeadScanner()
        var outcome = HeadScan.incomplete
        Array(text.utf8).withUnsafeBytes { raw in
            for end in ends ?? [raw.count] where outcome == .incomplete {
                outcome = scanner.scan(UnsafeRawBufferPointer(rebasing: raw[..<end]))
            }
        }
        return (outcome, scanner.head)
    }

    private func value(_ field: ResponseField, _ text: String) -> String? {
        var scanner = ResponseHeadScanner()
        return Array(text.utf8).withUnsafeBytes { raw in
            guard scanner.scan(raw) == .complete else { return nil }
            return scanner.head.value(field, in: raw).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test("A usual head is read into its places")
    func usual() {
        let text =
            "HTTP/1.1 200 OK\r\ndate: now\r\nContent-Type: text/event-stream\r\nmcp-session-id: s1\r\n"
            + "Keep-Alive: timeout=5, max=100\r\ntransfer-encoding: chunked\r\n\r\n"
        let (outcome, head) = scan(text + "5\r\nhello")
        #expect(outcome == .complete)
        #expect(head.status == 200)
        #expect(head.framing == .chunked)
        #expect(head.keepsAlive)
        #expect(head.keepAliveSeconds == 5)
        #expect(head.contentType == .eventStream)
        #expect(head.length == text.utf8.count)
        #expect(value(.sessionID, text) == "s1")
    }

    @Test("Interim responses are skipped, however they arrive")
    func interim() {
        let text =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\ncontent-length: 9\r\n\r\n"
            + "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nWWW-Authenticate: a\r\nWWW-Authenticate: b\r\n\r\n"
        for ends in Pieces.everyCut(of: text.utf8.count) {
            let (outcome, head) = scan(text, ends: ends)
            #expect(outcome == .complete)
            #expect(head.status == 202)
            #expect(head.framing == .none)
            #expect(head.length == text.utf8.count)
        }
        #expect(value(.wwwAuthenticate, text) == "a")
        let many = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 9)
        #expect(scan(many).0 == .refused(.interimResponse))
        #expect(scan("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").0 == .refused(.protocolSwitch))
    }

    @Test(
        "The end of the body and of the connection",
        arguments: [
            ("HTTP/1.1 200 OK\r\n\r\n", BodyFraming.untilClose, false),
            ("HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", .fixed(3), true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", .fixed(3), false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", .fixed(3), false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", .fixed(3), false),
            ("HTTP/1.1 204 No Content\r\n\r\n", .none, true),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", .none, true),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", .none, true),
            ("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", .none, true),
        ]
    )
    func framing(_ text: String, _ framing: BodyFraming, _ keepsAlive: Bool) {
        let (outcome, head) = scan(text)
        #expect(outcome == .complete)
        #expect(head.framing == framing)
        #expect(head.keepsAlive == keepsAlive)
    }

    @Test(
        "A head with two readings is refused",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked", .twoFramings),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2", .repeatedField),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2", .contentLength),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked", .transferCoding),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked", .transferCoding),
            ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Type: text/plain", .repeatedField),
            ("HTTP/1.1 200 OK\r\nMcp-Session-Id: a\r\nMcp-Session-Id: b", .repeatedField),
            ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3", .contentCoding),
            ("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: br", .contentCoding),
            ("HTTP/1.1 200 OK\r\nX: a\r\n b", .fieldLine),
            ("HTTP/1.1 200 OK\r\nX : a", .fieldLine),
            ("HTTP/1.1 200 OK\r\nX: a\nY: b", .controlCharacter),
            ("HTTP/1.1 200 O\0K", .controlCharacter),
            ("HTTP/1.1 099 OK", .startLine),
            ("HTTP/1.1 600 OK", .startLine),
            ("HTTP/1.1 20 OK", .startLine),
            ("HTTP/1.1 2000 OK", .startLine),
            ("HTTP/1.1  200 OK", .startLine),
            ("HTTP/2.0 200 OK", .startLine),
            ("HTTP/1.2 200 OK", .version),
            ("ICY 200 OK", .startLine),
        ] as [(String, HeadProblem)]
    )
    func twoReadings(_ text: String, _ problem: HeadProblem) {
        for ends in Pieces.everyCut(of: text.utf8.count + 4) {
            #expect(scan(text + "\r\n\r\n", ends: ends).0 == .refused(problem))
        }
    }

    @Test("An error with a content coding keeps its head, and says that its body cannot be read")
    func encodedError() {
        let (outcome, head) = scan("HTTP/1.1 401 No\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n")
        #expect(outcome == .complete)
        #expect(head.isEncoded)
    }

    @Test("Nothing that is damaged crashes, and pieces change nothing")
    func damaged() {
        var random = SeededRandom(7)
        let seed = Array(
            "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 12\r\nRetry-After: 3\r\n\r\n"
                .utf8
        )
        for _ in 0..<6000 {
            let bytes = Pieces.damaged(seed, alphabet: Array("\r\n\0\t :=,19aK".utf8) + [0xFF], using: &random)
            let text = String(decoding: bytes, as: UTF8.self)
            let whole = scan(text)
            let pieces = scan(text, ends: Pieces.random(of: text.utf8.count, using: &random))
            #expect(whole.0 == pieces.0)
            #expect(whole.1.framing == pieces.1.framing)
        }
    }
}
