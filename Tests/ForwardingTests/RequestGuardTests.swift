import AuditLog
import StrictJSON
import Testing
import Wire

@testable import Forwarding

@Suite("The guards of a head, in their order")
struct RequestGuardTests {
    /// What a head may say, line by line.
    private struct Request {
        var line = "POST /servers/up/mcp"
        var host = "127.0.0.1:7717"
        var origin: String?
        var credential: String? = "Bearer known"
        var type = "application/json"
        var more: [String] = []

        var text: String {
            var lines = ["\(line) HTTP/1.1", "Host: \(host)", "Content-Type: \(type)"]
            if let origin { lines.append("Origin: \(origin)") }
            if let credential { lines.append("Authorization: \(credential)") }
            if line.hasPrefix("POST") { lines.append("Content-Length: 2") }
            return (lines + more).joined(separator: "\r\n") + "\r\n\r\n"
        }
    }

    /// What the guards say of it; how often they have asked for the client, and what they have found out.
    private func look(_ request: Request, isSocket: Bool = false) throws -> (Int?, asked: Int, RequestContext) {
        let listener = ListenerContext(
            rules: AccessRules(port: 7717, origins: ["https://page.example"]),
            isSocket: isSocket,
            isSameUser: { _ in true },
            pages: FakePages()
        )
        var context = RequestContext()
        var asked = 0
        let status = try Array(request.text.utf8).withUnsafeBytes { bytes in
            var scanner = RequestHeadScanner()
            try #require(scanner.scan(bytes) == .complete)
            return RequestGuard.refusal(of: scanner.head, in: bytes, at: listener, &context) { value, proof in
                asked += 1
                if proof == .claimed { return value.elementsEqual("editor".utf8) ? ("editor", 8) : nil }
                return value.elementsEqual("Bearer known".utf8) ? ("tests", 7) : nil
            }
        }
        return (status, asked, context)
    }

    @Test("Once one flaw is mended, the next is found: host, origin, credential, address, method, kind of body")
    func order() throws {
        var request = Request(
            line: "PUT /nowhere",
            host: "evil.example",
            origin: "https://evil.example",
            credential: "Bearer stolen",
            type: "text/plain"
        )
        #expect(try look(request).0 == 421)
        request.host = "127.0.0.1:7717"
        #expect(try look(request).0 == 403)
        request.origin = nil
        #expect(try look(request).0 == 401)
        request.credential = nil
        #expect(try look(request).0 == 401)
        request.credential = "Bearer known"
        #expect(try look(request).0 == 404)
        request.line = "PUT /servers/up/mcp"
        #expect(try look(request).0 == 405)
        request.line = "POST /servers/up/mcp"
        #expect(try look(request).0 == 415)
        request.type = "application/json"
        let (status, asked, context) = try look(request)
        #expect(status == nil)
        #expect(asked == 1)
        #expect(context.client == "tests")
        #expect(context.clientNumber == 7)
        #expect(context.how == .token)
    }

    @Test("A page that may not be here is refused before its client is asked for a credential")
    func origins() throws {
        #expect(try look(Request(origin: "https://evil.example")).asked == 0)
        let (status, _, context) = try look(Request(origin: "https://page.example"))
        #expect(status == nil)
        #expect(context.origin.map { String(decoding: $0, as: UTF8.self) } == "https://page.example")
    }

    @Test("A browser that asks for a page that may call is answered before the credential, which it does not send")
    func preflight() throws {
        let request = Request(
            line: "OPTIONS /servers/up/mcp",
            origin: "https://page.example",
            credential: nil,
            more: ["Access-Control-Request-Headers: authorization"]
        )
        let (status, asked, context) = try look(request)
        #expect(status == 204)
        #expect(asked == 0)
        #expect(context.preflight.map { String(decoding: $0, as: UTF8.self) } == "authorization")
    }

    @Test("On the socket the user is known without a credential, and a wrong one is refused all the same")
    func socket() throws {
        var request = Request(line: "POST /control/status", host: "anything", credential: nil)
        let (status, asked, context) = try look(request, isSocket: true)
        #expect(status == nil)
        #expect(asked == 0)
        #expect(context.client == Gate.local)
        request.credential = "Bearer stolen"
        #expect(try look(request, isSocket: true).0 == 401)
        request.credential = nil
        request.more = ["Doorward-Client: editor"]
        let claimed = try look(request, isSocket: true)
        #expect(claimed.0 == nil)
        #expect(claimed.2.client == "editor")
        #expect(claimed.2.how == .claimed)
        request.more = ["Doorward-Client: nobody"]
        #expect(try look(request, isSocket: true).0 == 401)
        // What a credential proves is no claim, and a claim is worth nothing where anybody may connect.
        request.credential = "Bearer known"
        request.more = ["Doorward-Client: editor"]
        #expect(try look(request, isSocket: true).2.client == "tests")
        request.host = "127.0.0.1:7717"
        request.line = "POST /servers/up/mcp"
        #expect(try look(request).2.client == "tests")
        request.credential = nil
        #expect(try look(request).0 == 401)
        request.line = "POST /control/status"
        request.more = []
        // Over TCP there are no such pages.
        request.host = "127.0.0.1:7717"
        request.credential = "Bearer known"
        #expect(try look(request).0 == 404)
    }
}
