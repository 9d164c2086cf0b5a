import Bytes
import LocalControl
import ServiceKit
import StrictJSON
import Synchronization
import Testing

@testable import OwnPage

/// What somebody may have put into a name, if nobody looked.
private let evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202E}&amp;"

@Suite("What pages are made of")
struct HTMLTests {
    @Test("Text is never markup, and what shows nothing is spelt out")
    func escaping() {
        let html: HTML = "<p title=\"\(evil)\">\(evil)</p>"
        #expect(!html.text.contains("<script") && !html.text.contains("<img"))
        #expect(html.text.contains("&quot;&#39;&gt;&lt;script&gt;"))
        #expect(html.text.contains("\\u{202e}&amp;amp;"))
        #expect(HTML.escaped("a\nb") == "a\\u{a}b")
    }

    @Test("Markup in markup stays markup, and nothing is nothing")
    func nesting() {
        let rows: [HTML] = ["<li>a</li>", "<li>\("<b>")</li>"]
        let none: HTML? = nil
        let html: HTML = "<ul>\(rows)\(none)\(7)</ul>"
        #expect(html.text == "<ul><li>a</li><li>&lt;b&gt;</li>7</ul>")
    }

    @Test("No page has markup of strangers, wherever their words stand")
    func hostile() throws {
        let words = JSONValue.text(evil)
        let server: JSONValue = [
            "alias": words, "state": words, "account": words, "since": words, "error": words, "deprecated": words,
        ]
        let needy: JSONValue = ["alias": words, "state": "needs_sign_in", "account": .null]
        let problem: JSONValue = ["code": words, "message": words, "next": words]
        let status: JSONValue = [
            "user": words, "coordinator": words, "agent_id": words, "listen": words, "custody": words, "link": words,
            "problem": problem, "keyring": problem, "audit": ["problem": words],
        ]
        let dec: JSONValue = ["reason": words, "rules": [words]]
        let out: JSONValue = ["is": words, "ms": 1]
        func record(_ kind: String) -> JSONValue {
            [
                "kind": .text(kind), "call": .text(kind), "t": words, "srv": words, "tool": words, "method": words,
                "client": ["id": words], "dec": dec, "out": out,
            ]
        }
        let records: JSONValue = ["records": .array(["call.begin", "call.end", "call.deny"].map(record))]
        let failures = [evil: ControlFailure("code", evil, next: evil)]
        let pages = [
            ServersPage(["servers": [server, needy]], status, failures).html("token"),
            CallsPage(records, now: .init(seconds: 0), isStill: false).html("token"),
            MachinePage(status, [ListedClient(name: evil, created: evil)]).html("token"),
            SignInPage(server: evil, url: "https://\(evil)/").html,
        ]
        for page in pages {
            #expect(page.text.contains("&lt;script&gt;"))
            #expect(!page.text.contains("<script") && !page.text.contains("<img") && !page.text.contains("\u{202E}"))
        }
    }

    @Test("Calls that have no end are under way, and only those")
    func running() {
        func record(_ kind: String, _ call: String) -> JSONValue {
            [
                "kind": .text(kind), "call": .text(call), "tool": .text("tool-\(call)"), "srv": "s",
                "t": "2026-11-22T11:15:50.000000Z", "client": ["id": "c"], "dec": ["reason": "forbidden", "rules": []],
                "out": ["is": "ok", "ms": 12],
            ]
        }
        let records: JSONValue = [
            "records": [
                record("call.begin", "a"), record("call.begin", "b"), record("call.end", "a"), record("call.deny", "c"),
                record("policy.apply", "d"),
            ]
        ]
        let page = CallsPage(records, now: .init("2026-11-22T11:15:57Z") ?? .init(seconds: 0), isStill: true).html("t")
            .text
        #expect(page.contains("tool-b") && page.contains("7 s"))
        #expect(page.contains("a rule forbids it") && !page.contains("http-equiv"))
        #expect(page.ranges(of: "tool-a").count == 1 && !page.contains("tool-d"))
    }
}

@Suite("Who has the page open")
struct PageVisitTests {
    /// A clock that only a test moves.
    private final class Hand: Sendable {
        let nanoseconds = Mutex<Int64>(0)

        func turn(seconds: Int64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
        var now: Int64 { nanoseconds.withLock { $0 } }
    }

    private let hand = Hand()
    private let visits: PageVisits

    init() {
        let hand = hand
        visits = PageVisits(now: { hand.now })
    }

    @Test("A link opens the page once, within a minute, and gives a cookie of its own")
    func links() throws {
        let link = visits.makeLink()
        let cookie = try #require(visits.follow(link))
        #expect(visits.follow(link) == nil)
        #expect(cookie != link && visits.visit(of: link) == nil)
        let visit = try #require(visits.visit(of: cookie))
        #expect(visit.token.count == 64 && visit.token != cookie)
        #expect(visits.follow("") == nil && visits.visit(of: "") == nil)
        let late = visits.makeLink()
        hand.turn(seconds: PageVisits.linkSeconds)
        #expect(visits.follow(late) == nil)
    }

    @Test("A visit ends with its time, when it is closed, and when too many others have begun")
    func ends() throws {
        let first = try #require(visits.follow(visits.makeLink()))
        let second = try #require(visits.follow(visits.makeLink()))
        visits.end(second)
        #expect(visits.visit(of: second) == nil && visits.visit(of: first) != nil)
        for _ in 0..<16 { _ = visits.follow(visits.makeLink()) }
        #expect(visits.visit(of: first) == nil)
        let last = try #require(visits.follow(visits.makeLink()))
        hand.turn(seconds: PageVisits.visitSeconds)
        #expect(visits.visit(of: last) == nil)
    }
}
