import Bytes
import Contract
import Database
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Policy
import Rights
import SignIn
import StrictJSON
import Testing

@testable import API

/// A browser at the office: its cookies, and what it says of itself.
private struct Browser {
    var cookie = ""
    var csrf = ""

    static let own = "https://office.example"

    func headers(_ more: HTTPFields = [:], origin: String? = own, site: String? = "same-origin") throws -> HTTPFields {
        var headers = more
        if !cookie.isEmpty { headers[.cookie] = cookie }
        if let origin { headers[.origin] = origin }
        if let site { headers[try #require(HTTPField.Name("Sec-Fetch-Site"))] = site }
        return headers
    }

    /// The same with the proof that pages carry.
    func proof() throws -> HTTPFields { try headers([try #require(HTTPField.Name("Doorward-CSRF")): csrf]) }
}

@Suite("Browsers at the edge")
struct BrowserTests {
    private let office: Office

    init() throws { office = try Office() }

    /// The secret of a new link for a person with this role.
    private func link(_ role: Role, _ client: any TestClientProtocol) async throws -> String {
        let answer = try await office.machine(role, client).send(client, "POST", "/v1/sign-in-links")
        try #require(answer.status == .created)
        let url = try #require(try answer.json()["url"]?.text)
        #expect(url.hasPrefix("https://office.example/sign-in/link/"))
        return String(url.split(separator: "/").last ?? "")
    }

    private func signIn(_ secret: String, _ client: any TestClientProtocol, _ headers: HTTPFields) async throws
        -> TestResponse
    {
        try await client.send("POST", "/sign-in/link", headers: headers, body: Array("link=\(secret)".utf8))
    }

    private func browser(_ role: Role, _ client: any TestClientProtocol) async throws -> Browser {
        var browser = Browser()
        let answer = try await signIn(try await link(role, client), client, try browser.headers())
        try #require(answer.status == .seeOther)
        #expect(answer.headers[.location] == "/")
        browser.cookie = String(try #require(answer.headers[.setCookie]?.split(separator: ";").first))
        let session = try await client.send("GET", "/v1/session", headers: try browser.headers()).json()
        #expect(session["user"]?.text == "\(role.rawValue)@office.example")
        browser.csrf = try #require(session["csrf"]?.text)
        return browser
    }

    @Test("A session opens what its person's role opens, and none above", arguments: Role.allCases)
    func roles(role: Role) async throws {
        try await office.test { client in
            let browser = try await browser(role, client)
            // The one would end the session, and the other is signed by a key that nobody knows yet.
            for operation in office.operations where !["/sign-out", "/v1/enrolments"].contains(operation.path) {
                let answer = try await client.send(operation.method, operation.example, headers: try browser.proof())
                switch try #require(DeclaredAccess.operations[operation.name]) {
                case .anybody, .form: #expect(answer.status.code < 500, "\(operation.name)")
                case .browser: #expect(![401, 403].contains(answer.status.code), "\(operation.name)")
                case .machine: #expect(try answer.problem().code == "machine_needed", "\(operation.name)")
                case .page(let lowest):
                    #expect((answer.status != .forbidden) == (role >= lowest), "\(operation.name)")
                    #expect(answer.status != .unauthorized, "\(operation.name)")
                case .from(let lowest, _):
                    let isIn = ![401, 403].contains(answer.status.code)
                    #expect(isIn == (role >= lowest), "\(operation.name)")
                    if !isIn { #expect(try answer.problem().code == "role_needed", "\(operation.name)") }
                }
            }
        }
    }

    @Test("No change is made without the origin and the session's proof, whoever is signed in")
    func forgery() async throws {
        try await office.test { client in
            let browser = try await browser(.owner, client)
            let other = try await self.browser(.owner, client)
            let field = try #require(HTTPField.Name("Doorward-CSRF"))
            let attempts: [(HTTPFields, String)] = [
                (try browser.headers(), "csrf"), (try browser.headers([field: other.csrf]), "csrf"),
                (try browser.headers([field: browser.csrf], origin: "https://evil.example"), "other_origin"),
                (try browser.headers([field: browser.csrf], origin: "null"), "other_origin"),
                (try browser.headers([field: browser.csrf], origin: nil), "other_origin"),
                (try browser.headers([field: browser.csrf], site: "cross-site"), "other_origin"),
            ]
            for operation in office.operations where operation.method != "GET" {
                let isPage = operation.isPage
                if !isPage { guard case .from = DeclaredAccess.operations[operation.name] else { continue } }
                for (headers, code) in attempts {
                    let answer = try await client.send(operation.method, operation.example, headers: headers)
                    #expect(answer.status == .forbidden, "\(operation.name) \(headers)")
                    if isPage { continue }
                    #expect(try answer.problem().code == code, "\(operation.name) \(headers)")
                }
            }
        }
    }

    @Test("The proof may be a field of a form, and not one of its query")
    func field() async throws {
        try await office.test { client in
            let browser = try await browser(.member, client)
            let form = try browser.headers([.contentType: "application/x-www-form-urlencoded"])
            let refused = try await client.send("POST", "/sign-out", headers: form, body: Array("csrf=AAAA".utf8))
            #expect(try refused.problem().code == "csrf")
            let query = try await client.send("POST", "/sign-out?csrf=\(browser.csrf)", headers: form)
            #expect([400, 403].contains(query.status.code))
            let out = try await client.send(
                "POST",
                "/sign-out",
                headers: form,
                body: Array("csrf=\(browser.csrf)".utf8)
            )
            #expect(out.status == .ok)
            #expect(try #require(out.headers[.setCookie]).hasPrefix("__Host-doorward=; "))
            #expect(try #require(out.headers[.setCookie]).contains("Max-Age=0"))
            let after = try await client.send("GET", "/v1/session", headers: try browser.headers())
            #expect(after.status == .unauthorized)
            #expect(try after.problem().code == "session_ended")
        }
    }

    @Test("What outlasts a session needs a recent sign-in, and looking does not")
    func stepUp() async throws {
        try await office.test { client in
            let browser = try await browser(.owner, client)
            try await office.database.write { transaction in
                try transaction.execute("UPDATE browser_session SET signed_in_at = signed_in_at - 901")
            }
            for operation in office.operations {
                guard case .right(let right) = operation.access, operation.path.hasPrefix("/v1/") else { continue }
                let answer = try await client.send(operation.method, operation.example, headers: try browser.proof())
                if right.needsRecentSignIn {
                    #expect(answer.status == .forbidden, "\(operation.name)")
                    if operation.isPage { continue }
                    #expect(try answer.problem().code == "sign_in_again", "\(operation.name)")
                } else {
                    #expect(![401, 403].contains(answer.status.code), "\(operation.name)")
                }
            }
        }
    }

    @Test("A signature and a token count before the cookie that a browser sends along")
    func otherProofs() async throws {
        try await office.test { client in
            let browser = try await browser(.owner, client)
            let member = try await office.machine(.member, client)
            let answer = try await member.send(client, "GET", "/v1/users", headers: try browser.headers())
            #expect(try answer.problem().code == "role_needed")
            let bad: HTTPFields = try browser.headers([.authorization: "Bearer dwt1_AAAA"])
            #expect(try await client.send("GET", "/v1/users", headers: bad).problem().code == "bad_token")
        }
    }

    @Test("A page of another site cannot read with the person's cookie")
    func look() async throws {
        try await office.test { client in
            let browser = try await browser(.owner, client)
            let mode = try #require(HTTPField.Name("Sec-Fetch-Mode"))
            for (site, name, status) in [
                ("cross-site", "no-cors", 403), ("same-site", "cors", 403), ("same-origin", "cors", 200),
                ("none", "navigate", 200), ("cross-site", "navigate", 200),
            ] {
                let headers = try browser.headers([mode: name], origin: nil, site: site)
                #expect(try await client.send("GET", "/v1/users", headers: headers).status.code == status)
            }
        }
    }

    @Test("A link is shown on a page that says for whom, and is spent by its button alone, from our own page")
    func link() async throws {
        try await office.test { client in
            let secret = try await link(.admin, client)
            for _ in 0..<2 {
                let page = try await client.send("GET", "/sign-in/link/\(secret)")
                #expect(page.status == .ok)
                #expect(String(buffer: page.body).contains("as admin@office.example"))
                let policy = try #require(page.headers[.contentSecurityPolicy])
                #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
                #expect(!policy.contains("unsafe") && policy.contains("script-src 'self'"))
                #expect(page.headers[.cacheControl] == "no-store")
            }
            let browser = Browser()
            let evil = try await signIn(secret, client, try browser.headers(origin: "https://evil.example"))
            #expect(evil.status == .forbidden)
            #expect(evil.headers[.setCookie] == nil)
            #expect(try await signIn(secret, client, try browser.headers()).status == .seeOther)
            let again = try await signIn(secret, client, try browser.headers())
            #expect(again.status == .gone)
            #expect(again.headers[.setCookie] == nil)
            #expect(try await client.send("GET", "/sign-in/link/\(secret)").status == .gone)
        }
    }

    @Test("Whoever guesses at links is soon asked to wait, and sign-ins of one person have a pace of their own")
    func pace() async throws {
        try await office.test { client in
            let browser = Browser()
            var answers: [Int] = []
            for _ in 0..<30 {
                let guess = Base64.url((0..<16).map { _ in UInt8.random(in: 0...255) })
                answers.append(try await signIn(guess, client, try browser.headers()).status.code)
            }
            #expect(answers.prefix(20).allSatisfy { $0 == 410 })
            #expect(answers.last == 429)
            let late = try await signIn(try await link(.owner, client), client, try browser.headers())
            #expect(late.status == .tooManyRequests)
            #expect(late.headers[.retryAfter] != nil)
        }
    }

    @Test("Where people come from behind a proxy is what the proxy has written, not what they say")
    func proxy() throws {
        // The last one is the proxy's own.
        #expect(BrowserDoor.last(of: ["1.2.3.4, 5.6.7.8"]) == "5.6.7.8")
        #expect(BrowserDoor.last(of: ["1.2.3.4", "9.9.9.9 , 2001:db8::1"]) == "2001:db8::1")
        #expect(BrowserDoor.last(of: []) == nil)
    }
}
