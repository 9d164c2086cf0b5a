import Contract
import Foundation
import People
import PolicyFile
import PolicyStore
import Rights
import Testing

@testable import Console

@Suite("Forms")
struct FormsTests {
    private func redirect(_ answer: PageAnswer) throws -> String {
        guard case .redirect(let path) = answer.content else {
            Issue.record("no redirect: \(answer.content)")
            return ""
        }
        return path
    }

    private func html(_ answer: PageAnswer) throws -> String {
        guard case .html(let text) = answer.content else {
            Issue.record("no page: \(answer.content)")
            return ""
        }
        return text
    }

    @Test("A server is added and removed, and an error stays at its field with what was written")
    func servers() async throws {
        let house = try House()
        defer { house.remove() }
        let owner = try await house.person(.owner)
        let bad = try await house.open(
            "/new-server",
            as: owner,
            "POST",
            form: ["alias": "Not An Alias", "url": "https://a.example/mcp"]
        )
        #expect(bad.refused?.code == "invalid_entry")
        let page = try html(bad)
        #expect(page.contains("value=\"Not An Alias\"") && page.contains("value=\"https://a.example/mcp\""))
        #expect(page.contains("aria-invalid=\"true\"") && page.contains("role=\"alert\""))

        let added = try await house.open(
            "/new-server",
            as: owner,
            "POST",
            form: ["alias": "wiki", "url": "https://a.example/mcp"]
        )
        #expect(try redirect(added) == "/servers/wiki?done=added")
        #expect(try await house.html("/servers/wiki?done=added", as: owner).contains("The server was added."))
        let removed = try await house.open("/servers/wiki/remove", as: owner, "POST")
        #expect(try redirect(removed) == "/servers?done=removed")
        #expect(try await house.open("/servers/wiki/remove", as: owner, "POST").refused?.code == "unknown_server")
    }

    @Test("A word in the query that a page does not know says nothing")
    func done() async throws {
        let house = try House()
        defer { house.remove() }
        let owner = try await house.person(.owner)
        #expect(!(try await house.html("/servers?done=hostile", as: owner)).contains("hostile"))
    }

    @Test("A secret is shown once, to who has made it")
    func secrets() async throws {
        let house = try House()
        defer { house.remove() }
        let (owner, admin) = (try await house.person(.owner), try await house.person(.admin))
        let answer = try await house.open(
            "/tokens/new",
            as: owner,
            "POST",
            form: ["name": "script", "scopes-read": "yes", "days": "1"]
        )
        let path = try redirect(answer)
        #expect(!path.contains("dwt1_"))
        await #expect(throws: Refused.self) { try await house.open(path, as: admin) }
        #expect(try await house.html(path, as: owner).contains("dwt1_"))
        await #expect(throws: Refused.self) { try await house.open(path, as: owner) }

        let invited = try await house.open(
            "/people/invitations/new",
            as: owner,
            "POST",
            form: ["email": "bob@example.com", "role": "member", "hours": "1"]
        )
        #expect(try await house.html(try redirect(invited), as: owner).contains("bob@example.com is invited"))
    }

    @Test("A policy is checked, shown with what it changes, and applied with a reason")
    func policy() async throws {
        let house = try House()
        defer { house.remove() }
        let owner = try await house.person(.owner)
        let tag = try await house.desk.current().tag
        let file =
            "version: 1\r\nroles: { dev: { grant: [ { server: github } ] } }\r\nbind: [ { everyone: true, role: dev } ]\r\n"
        var form = ["file": "version: 1\nnonsense: 2\n", "etag": tag, "do": "review"]
        #expect(try html(try await house.open("/policy/edit", as: owner, "POST", form: form)).contains("nonsense"))
        form["file"] = file
        form["do"] = "check"
        let checked = try html(try await house.open("/policy/edit", as: owner, "POST", form: form))
        #expect(checked.contains("Nothing is wrong with it") && checked.contains("class=\"new\""))
        form["do"] = "review"
        #expect(try html(try await house.open("/policy/edit", as: owner, "POST", form: form)).contains("Apply it"))
        form["do"] = "apply"
        form["why"] = "The first one"
        let stale = try await house.person(.owner, isRecent: false)
        let kept = try await house.open("/policy/edit", as: stale, "POST", form: form)
        #expect(kept.refused?.code == "sign_in_again")
        #expect(try html(kept).contains("server: github"))
        #expect(
            try redirect(try await house.open("/policy/edit", as: owner, "POST", form: form)) == "/policy?done=applied"
        )
        // As the browser sent it, but for its line ends.
        #expect(try await house.desk.current().file.bytes == Array(file.replacing("\r\n", with: "\n").utf8))
        #expect(try await house.html("/policy/history/1", as: owner).contains("The first one"))

        // Somebody else was faster: nothing that was written is lost.
        let late = try await house.open("/policy/edit", as: owner, "POST", form: form)
        #expect(late.refused?.code == "precondition_failed")
        #expect(try html(late).contains("server: github"))
    }

    @Test("What a textarea is given comes back as it was")
    func textareas() async throws {
        let house = try House()
        defer { house.remove() }
        let owner = try await house.person(.owner)
        let file = "\n  indented\n\ttab\n</textarea><script>hostile</script>\n"
        let form = ["file": file, "etag": "x", "do": "check"]
        let html = try html(try await house.open("/policy/edit", as: owner, "POST", form: form))
        let area = try #require(
            html.firstMatch(of: /<textarea[^>]*>\n(.*?)<\/textarea>/.dotMatchesNewlines())?.output.1
        )
        let text = area.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        #expect(text == file)
    }

    @Test("A person's role is changed, and the person removed")
    func people() async throws {
        let house = try House()
        defer { house.remove() }
        let owner = try await house.person(.owner)
        _ = try await house.enrol("ann")
        let changed = try await house.open("/people/p-ann/role", as: owner, "POST", form: ["role": "auditor"])
        #expect(try redirect(changed) == "/people/p-ann?done=role")
        #expect(try await house.open("/people/p-ann/role", as: owner, "POST", form: ["role": "king"]).refused != nil)
        #expect(
            try redirect(try await house.open("/people/p-ann/remove", as: owner, "POST", form: ["enrolled": "keep"]))
                == "/people?done=removed"
        )
        await #expect(throws: Refused.self) { try await house.open("/people/p-ann", as: owner) }
    }
}
