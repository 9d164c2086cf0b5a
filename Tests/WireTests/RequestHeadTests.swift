import Testing
import Wire

/// Scans a head that comes in pieces; what it says is taken out of the buffer as text.
struct ScannedRequest: Equatable {
    var outcome: HeadScan
    var startLine = ""
    var fields: [[String]] = []
    var framing = ""
    var length = 0

    init(_ bytes: [UInt8], ends: [Int], maxBytes: Int = 65536, maxFields: Int = 100) {
        var scanner = RequestHeadScanner(maxBytes: maxBytes, maxFields: maxFields)
        outcome = .incomplete
        bytes.withUnsafeBytes { raw in
            for end in ends where outcome == .incomplete {
                outcome = scanner.scan(UnsafeRawBufferPointer(rebasing: raw[..<end]))
            }
            guard outcome == .complete else { return }
            let head = scanner.head
            length = head.length
            framing = "\(head.framing)"
            func text(_ span: ByteSpan) -> String { String(decoding: span.slice(of: raw), as: UTF8.self) }
            startLine = text(head.methodName) + " " + text(head.path) + (head.query.map { "?" + text($0) } ?? "")
            fields = head.fields(in: raw).map { field in
                [
                    text(field.name).lowercased(),
                    field.value.slice(of: raw).map { String($0) }.joined(separator: ","),
                ]
            }
        }
    }
}

@Suite("Request heads")
struct RequestHeadTests {
    private static let usual = """
        POST /servers/everything/mcp?a=b HTTP/1.1\r
        Host: 127.0.0.1:7717\r
        Accept: application/json, text/event-stream\r
        Connection: keep-alive\r
        User-Agent: python-httpx/0.28.1\r
        Content-Type: application/json\r
        MCP-Protocol-Version: 2026-07-28\r
        Mcp-Method: tools/call\r
        Mcp-Name: \t echo \r
        Mcp-Param-Region: eu-west\r
        Authorization: Bearer dwc1_x\r
        X-Empty:\r
        Content-Length: 12\r
        \r

        """

    private func head(_ text: String) throws -> (RequestHead, [UInt8]) {
        let bytes = Array(text.utf8)
        var scanner = RequestHeadScanner()
        try #require(bytes.withUnsafeBytes { scanner.scan($0) } == .complete)
        return (scanner.head, bytes)
    }

    private func refusal(_ text: String) -> HeadScan {
        ScannedRequest(Array(text.utf8), ends: [text.utf8.count]).outcome
    }

    @Test("A usual head is read into its places")
    func usual() throws {
        let (head, bytes) = try head(Self.usual + "{\"body\":true}")
        bytes.withUnsafeBytes { raw in
            func text(_ field: RequestField) -> String? {
                head.value(field, in: raw).map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(text(.host) == "127.0.0.1:7717")
            #expect(text(.protocolVersion) == "2026-07-28")
            #expect(text(.method) == "tools/call")
            #expect(text(.name) == "echo")
            #expect(text(.authorization) == "Bearer dwc1_x")
            #expect(text(.sessionID) == nil)
            #expect(String(decoding: head.path.slice(of: raw), as: UTF8.self) == "/servers/everything/mcp")
            #expect(head.query.map { String(decoding: $0.slice(of: raw), as: UTF8.self) } == "a=b")
            #expect(head.fields(in: raw).count(where: { _ in true }) == 12)
        }
        #expect(head.method == .post)
        #expect(head.framing == .fixed(12))
        #expect(head.length == Self.usual.utf8.count)
        #expect(head.contentType == .json)
        #expect(head.accepts == [.json, .eventStream])
        #expect(head.keepsAlive)
        #expect(!head.expectsContinue)
    }

    @Test("Each field has its place, in any case of letters")
    func places() throws {
        for field in RequestField.allCases where field != .contentLength && field != .transferEncoding {
            let value = field == .expect ? "100-continue" : "v"
            for name in ["\(field.name)", "\(field.name)".uppercased()] {
                let (head, bytes) = try head("GET / HTTP/1.1\r\n\(name): \(value)\r\n\r\n")
                bytes.withUnsafeBytes { raw in
                    #expect(head.value(field, in: raw).map { String(decoding: $0, as: UTF8.self) } == value, "\(name)")
                    #expect(RequestField.allCases.count(where: { head.has($0) }) == 1)
                }
            }
        }
    }

    @Test("However a head arrives, it is read the same")
    func pieces() {
        let bytes = Array((Self.usual + "GET /next HTTP/1.1\r\n\r\n").utf8)
        let whole = ScannedRequest(bytes, ends: [bytes.count])
        #expect(whole.outcome == .complete)
        for ends in Pieces.everyCut(of: bytes.count) {
            #expect(ScannedRequest(bytes, ends: ends) == whole)
        }
    }

    @Test(
        "A head with two readings is refused",
        arguments: [
            ("Content-Length: 2\r\nTransfer-Encoding: chunked", .twoFramings),
            ("Transfer-Encoding: chunked\r\nContent-Length: 2", .twoFramings),
            ("Content-Length: 2\r\nContent-Length: 3", .repeatedField),
            ("Content-Length: 2\r\nContent-Length: 2", .repeatedField),
            ("Content-Length: 2, 2", .contentLength),
            ("Content-Length: +2", .contentLength),
            ("Content-Length: -2", .contentLength),
            ("Content-Length: 0x2", .contentLength),
            ("Content-Length: 2 2", .contentLength),
            ("Content-Length:", .contentLength),
            ("Content-Length: 9999999999999999999", .contentLength),
            ("Transfer-Encoding: xchunked", .transferCoding),
            ("Transfer-Encoding: gzip, chunked", .transferCoding),
            ("Transfer-Encoding: chunked, identity", .transferCoding),
            ("Transfer-Encoding: \"chunked\"", .transferCoding),
            ("Transfer-Encoding: chunked;a=b", .transferCoding),
            ("Transfer-Encoding:", .transferCoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", .repeatedField),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .repeatedField),
            ("Transfer-Encoding : chunked", .fieldLine),
            ("Transfer-Encoding\t: chunked", .fieldLine),
            ("Transfer-Encoding\u{b}: chunked", .controlCharacter),
            ("X: a\r\n folded: b", .fieldLine),
            ("X: a\r\n\tfolded: b", .fieldLine),
            (" X: a", .fieldLine),
            (": a", .fieldLine),
            ("no colon", .fieldLine),
            ("X(y): a", .fieldLine),
            ("X\u{e9}: a", .fieldLine),
            ("X: a\0b", .controlCharacter),
            ("X\0: a", .controlCharacter),
            ("X: a\rb: c", .controlCharacter),
            ("X: a\nY: b", .controlCharacter),
            ("X: a\u{7f}b", .controlCharacter),
            ("X: a\r\r\nY: b", .controlCharacter),
            ("Content\rLength: 2", .controlCharacter),
            ("Content-Type: application/json\r\ncontent-type: text/plain", .repeatedField),
            ("Authorization: Bearer a\r\nAUTHORIZATION: Bearer b", .repeatedField),
            ("Host: b", .repeatedField),
            ("Origin: a\r\nOrigin: b", .repeatedField),
            ("Mcp-Method: a\r\nMCP-METHOD: b", .repeatedField),
            ("Mcp-Name: a\r\nmcp-name: a", .repeatedField),
            ("Mcp-Session-Id: a\r\nMcp-Session-Id: a", .repeatedField),
            ("Mcp-Param-Region: a\r\nX: y\r\nmcp-param-REGION: b", .repeatedField),
            ("Expect: 200-ok", .expectation),
        ] as [(String, HeadProblem)]
    )
    func twoReadings(_ lines: String, _ problem: HeadProblem) {
        let text = "POST /mcp HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n"
        let bytes = Array(text.utf8)
        for ends in Pieces.everyCut(of: bytes.count) {
            #expect(ScannedRequest(bytes, ends: ends).outcome == .refused(problem))
        }
    }

    @Test(
        "The first line is three words, of which the second is a path",
        arguments: [
            ("GET  / HTTP/1.1", .startLine),
            ("GET / HTTP/1.1 ", .startLine),
            ("GET /a b HTTP/1.1", .startLine),
            (" GET / HTTP/1.1", .startLine),
            ("GET /", .startLine),
            ("GET", .startLine),
            ("", .startLine),
            ("GET\t/ HTTP/1.1", .startLine),
            ("G(T / HTTP/1.1", .startLine),
            ("GET / HTTP/1.0", .version),
            ("GET / HTTP/2.0", .version),
            ("GET / HTTP/1.10", .startLine),
            ("GET / http/1.1", .startLine),
            ("GET / HTTP/1,1", .startLine),
            ("GET http://127.0.0.1/ HTTP/1.1", .target),
            ("GET * HTTP/1.1", .target),
            ("CONNECT a:443 HTTP/1.1", .target),
            ("GET /a#b HTTP/1.1", .target),
            ("GET /a\\b HTTP/1.1", .target),
            ("GET /\u{e9} HTTP/1.1", .target),
            ("GET /\"a\" HTTP/1.1", .target),
            ("\u{16}\u{3}\u{1}", .controlCharacter),
        ] as [(String, HeadProblem)]
    )
    func firstLine(_ line: String, _ problem: HeadProblem) {
        #expect(refusal("\(line)\r\nHost: a\r\n\r\n") == .refused(problem))
    }

    @Test("A line feed alone ends no line")
    func lineFeeds() {
        #expect(refusal("GET / HTTP/1.1\nHost: a\n\n") == .refused(.controlCharacter))
    }

    @Test("Length and number of fields are bounded, whole or not")
    func bounds() {
        let long = Array("GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 70_000))".utf8)
        #expect(ScannedRequest(long, ends: [long.count]).outcome == .refused(.tooLong))
        #expect(ScannedRequest(long, ends: [1000, 60_000]).outcome == .incomplete)
        let exact = Array("GET / HTTP/1.1\r\nX: abc\r\n\r\n".utf8)
        #expect(ScannedRequest(exact, ends: [exact.count], maxBytes: exact.count).outcome == .complete)
        for ends in Pieces.everyCut(of: exact.count) {
            let scan = ScannedRequest(exact, ends: ends, maxBytes: exact.count - 1)
            #expect(scan.outcome == .refused(.tooLong))
        }
        let many = Array(("GET / HTTP/1.1\r\n" + String(repeating: "X: a\r\n", count: 101) + "\r\n").utf8)
        #expect(ScannedRequest(many, ends: [many.count]).outcome == .refused(.tooManyFields))
        #expect(ScannedRequest(many, ends: [many.count], maxFields: 101).outcome == .complete)
    }

    @Test(
        "Connection, Expect and framing say what they say",
        arguments: [
            ("Connection: close", false, false, BodyFraming.none),
            ("Connection: keep-alive, Close", false, false, .none),
            ("Connection: keep-alive\r\nConnection: close", false, false, .none),
            ("Connection: closed", true, false, .none),
            ("Expect: 100-Continue\r\nContent-Length: 5", true, true, .fixed(5)),
            ("Content-Length: 0", true, false, .none),
            ("Content-Length: 007", true, false, .fixed(7)),
            ("Transfer-Encoding: Chunked", true, false, .chunked),
        ]
    )
    func flags(_ lines: String, _ keepsAlive: Bool, _ expects: Bool, _ framing: BodyFraming) throws {
        let (head, _) = try head("POST / HTTP/1.1\r\n\(lines)\r\n\r\n")
        #expect(head.keepsAlive == keepsAlive)
        #expect(head.expectsContinue == expects)
        #expect(head.framing == framing)
    }

    @Test(
        "A media type is what it says as a whole",
        arguments: [
            ("application/json", MediaType.json),
            ("Application/JSON", .json),
            ("application/json; charset=utf-8", .json),
            ("application/json ;CHARSET=\"UTF-8\"; x=y", .json),
            ("text/event-stream;charset=UTF-8", .eventStream),
            ("application/json; charset=utf-16", .other),
            ("application/json; charset", .other),
            ("application/json, text/plain", .other),
            ("application/jsonp", .other),
            ("application/json-rpc", .other),
            ("text/plain; application/json", .other),
            ("text/plain", .other),
            ("", .other),
        ]
    )
    func mediaTypes(_ value: String, _ type: MediaType) throws {
        let (head, _) = try head("POST / HTTP/1.1\r\nContent-Type: \(value)\r\n\r\n")
        #expect(head.contentType == type)
    }

    @Test(
        "Accept is read over all its fields",
        arguments: [
            ("Accept: */*", [.json, .eventStream]),
            ("Accept: application/json", [.json]),
            ("Accept: application/json\r\nAccept: text/event-stream", [.json, .eventStream]),
            ("Accept: text/*;q=0.5", [.eventStream]),
            ("Accept: application/*, text/html", [.json]),
            ("Accept: application/json;q=0, text/event-stream", [.eventStream]),
            ("Accept: application/json; q=0.000", []),
            ("Accept: text/html", []),
            ("X: application/json", []),
        ] as [(String, AcceptedTypes)]
    )
    func accepts(_ lines: String, _ types: AcceptedTypes) throws {
        #expect(try head("POST / HTTP/1.1\r\n\(lines)\r\n\r\n").0.accepts == types)
    }

    @Test("Methods are told apart by their exact bytes")
    func methods() throws {
        for (name, method) in [
            ("GET", RequestMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("PATCH", .patch),
            ("DELETE", .delete), ("OPTIONS", .options), ("Post", .other), ("POSTS", .other), ("P", .other),
        ] {
            #expect(try head("\(name) / HTTP/1.1\r\n\r\n").0.method == method)
        }
    }

    @Test("Damaged heads are read as a plain reader reads them, or refused as it refuses them")
    func differential() {
        var random = SeededRandom(20_260_728)
        let alphabet = Array("\r\n\0\t :;,-aZ09/%?\u{7f}".utf8) + [0xE9, 0x0B, 0x80, 0xFF]
        let seeds = [
            Self.usual, "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nMcp-Param-A: 1\r\nMcp-Param-B: 2\r\nExpect: 100-continue\r\n\r\n",
        ]
        var accepted = 0
        for _ in 0..<3000 {
            let seed = Array((seeds.randomElement(using: &random) ?? "").utf8)
            let bytes = Pieces.damaged(seed, alphabet: alphabet, using: &random)
            let scan = ScannedRequest(bytes, ends: Pieces.random(of: bytes.count, using: &random))
            let whole = ScannedRequest(bytes, ends: [bytes.count])
            #expect(scan == whole)
            let reference = ReferenceHead(request: bytes)
            guard whole.outcome == .complete else {
                #expect(reference == nil, "\(String(decoding: bytes, as: UTF8.self))")
                continue
            }
            accepted += 1
            #expect(reference?.startLine == whole.startLine + " HTTP/1.1")
            #expect(reference?.fields == whole.fields)
            #expect(reference?.framing == whole.framing)
        }
        #expect(accepted > 150)
    }
}
