import Contract
import Definitions
import Fleet
import Foundation
import Kits
import People
import Rights
import Testing
import TransparencyLog

@testable import Console

@Suite("Pages")
struct PagesTests {
    /// Every page that is looked at, on data that is there.
    private func looks(_ house: House) async throws -> [String] {
        let agents = try await house.fleet.agents(for: try await house.database.caller(.owner).permit())
        let agent = try #require(agents.first { $0.hostname != "desk" })
        let definition = try #require(
            try await house.definitions.list(
                server: nil,
                tool: nil,
                for: try await house.database.caller(.owner).permit()
            ).first
        )
        let tool = Hostile.text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return [
            "/", "/?span=week", "/?span=month", "/servers", "/new-server", "/servers/github", "/servers/github/remove",
            "/proposals", "/proposals?state=",
            "/tools", "/tools?server=github",
            "/tools/definition?server=github&tool=\(tool)&definition=\(definition.definition.base64URL)", "/policy",
            "/policy/edit", "/policy/suggestion", "/policy/history", "/policy/history/1", "/policy/history/1/restore",
            "/people",
            "/people/roles", "/people/p-ann", "/people/p-ann/remove", "/people/invitations/new", "/agents",
            "/agents/\(agent.agentID)", "/agents/\(agent.agentID)/revoke", "/tokens", "/tokens/new",
            "/tokens/x/remove", "/audit", "/audit?result=denied&server=github", "/audit/\(agent.agentID)/0",
            "/audit/\(agent.agentID)/1", "/reports", "/changes", "/changes?what=servers", "/changes/0", "/settings",
        ]
    }

    @Test("Every page is whole: one heading, its parts labelled, nothing of a stranger's as markup")
    func whole() async throws {
        let house = try House()
        defer { house.remove() }
        try await house.fill()
        let owner = try await house.person(.owner)
        for path in try await looks(house) {
            let html = try await house.html(path, as: owner)
            #expect(html.matches(of: /<h1/).count == 1, "\(path)")
            #expect(html.contains("<main") && html.contains("</html>") && html.contains("lang=\"en\""), "\(path)")
            #expect(
                !html.contains("evil.example>") && !html.contains("<img") && !html.contains("onerror=alert(1)>"),
                "\(path)"
            )
            #expect(!html.contains("<script>") && !html.contains("<b>words"), "\(path)")
            for scalar in ["\u{200B}", "\u{202E}", "\u{E0041}"] { #expect(!html.contains(scalar), "\(path)") }
            #expect(!html.contains("{{") && !html.contains("Optional("), "\(path)")
            for form in html.matches(of: /<form method="post".*?<\/form>/.dotMatchesNewlines()) {
                #expect(form.output.contains("name=\"csrf\" value=\"the-proof\""), "\(path)")
            }
            for id in html.matches(of: /aria-labelledby="([^"]*)"/) {
                #expect(html.contains("id=\"\(id.output.1)\""), "\(path) \(id.output.1)")
            }
        }
    }

    @Test("Every page that may be looked at is among those that are")
    func complete() async throws {
        let house = try House()
        defer { house.remove() }
        try await house.fill()
        let paths = Set(
            try await looks(house).map {
                $0.split(separator: "?")[0].split(separator: "/").count == 0 ? "/" : String($0.split(separator: "?")[0])
            }
        )
        let unseen: Set = [
            "/people/invitations/shown/{id}", "/people/invitations/{id}/withdraw", "/tokens/shown/{id}",
            "/reports/{id}",
            "/audit/{agent}/{seq}/proof", "/proposals/{id}",
        ]
        for page in house.console.pages where page.method == "GET" && !unseen.contains(page.path) {
            let pattern = try Regex("^" + page.path.replacing(/\{[a-z]+\}/, with: "[^/]+") + "$")
            #expect(paths.contains { $0.wholeMatch(of: pattern) != nil }, "\(page.path)")
        }
    }

    @Test("A page is for those who have its right, and no other", arguments: Role.allCases)
    func roles(role: Role) async throws {
        let house = try House()
        defer { house.remove() }
        let caller = try await house.person(role)
        for page in house.console.pages {
            let visit = Visit(
                caller: caller,
                csrf: "",
                parameters: Array(repeating: "x", count: page.path.filter { $0 == "{" }.count),
                now: Int(House.now / 1_000_000)
            )
            do {
                _ = try await page.answer(visit)
                #expect(role >= page.right.role, "\(page.method) \(page.path)")
            } catch let refused as Refused {
                #expect(
                    (refused.code == "role_needed") == (role < page.right.role),
                    "\(page.method) \(page.path) \(refused)"
                )
            }
        }
    }

    @Test("What is dangerous asks for a recent sign-in, and what only looks does not")
    func stale() async throws {
        let house = try House()
        defer { house.remove() }
        let caller = try await house.person(.owner, isRecent: false)
        for page in house.console.pages {
            let visit = Visit(
                caller: caller,
                csrf: "",
                parameters: Array(repeating: "x", count: page.path.filter { $0 == "{" }.count),
                now: Int(House.now / 1_000_000)
            )
            do {
                _ = try await page.answer(visit)
                #expect(!page.right.needsRecentSignIn, "\(page.method) \(page.path)")
            } catch let refused as Refused {
                #expect((refused.code == "sign_in_again") == page.right.needsRecentSignIn, "\(page.path) \(refused)")
            }
        }
    }

    @Test("Empty pages say what to do next")
    func empty() async throws {
        let house = try House()
        defer { house.remove() }
        let owner = try await house.person(.owner)
        for path in ["/", "/servers", "/tools", "/policy", "/policy/history", "/audit", "/tokens"] {
            let html = try await house.html(path, as: owner)
            #expect(html.contains("class=\"empty\"") || html.contains("First steps"), "\(path)")
        }
    }
}
