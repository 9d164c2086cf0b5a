import AuditLog
import Contract
import Database
import PolicyFile
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import PolicyStore

private func file(_ server: String) -> [UInt8] {
    Array("version: 1\nroles:\n  dev:\n    grant: [{ server: \(server) }]\n".utf8)
}

@Suite("Policies that were in force")
struct HistoryTests {
    private let office: Desk
    private var desk: PolicyStore { office.desk }

    init() throws {
        office = try Desk()
    }

    @Test("Each is kept with its text, who applied it, when and why")
    func kept() async throws {
        let editor = try await office.caller(.editor)
        #expect(try await desk.history(.all, for: editor.permit()).items.isEmpty)
        let reason = try ChangeReason("\nopen a\n\nfor the tests: caf\u{E9}\r\n")
        let first = try await desk.apply(file("a"), expecting: .anything, why: reason, by: editor.permit())
        office.pass(60)
        let owner = try await office.caller(.owner)
        _ = try await desk.apply(file("b"), expecting: .anything, by: owner.permit())

        let history = try await office.reopened().desk.history(.all, for: editor.permit())
        #expect(history.next == nil)
        #expect(history.items.map(\.version) == [2, 1])
        #expect(history.items.map(\.file) == [file("b"), file("a")])
        #expect(history.items.map(\.user) == ["owner@example.com", "editor@example.com"])
        #expect(history.items.map(\.sub) == [owner.sub, editor.sub])
        #expect(history.items.map(\.why) == [nil, "open a\n\nfor the tests: caf\u{E9}"])
        #expect(history.items.map(\.appliedAt) == [office.now, office.now - 60])
        #expect(history.items.map(\.rolledBackTo) == [nil, nil])
        #expect(history.items[1].tag == first.tag)
        #expect(history.items[1].digest == first.digest)
    }

    @Test("A reason is a leaf as well, so that it cannot be changed unseen")
    func reasonIsLogged() async throws {
        let editor = try await office.caller(.editor)
        let reason = try ChangeReason("open a")
        _ = try await desk.apply(file("a"), expecting: .anything, why: reason, by: editor.permit())
        let leaf = try #require(try await office.leaves().last)
        let change = OrgLeaf.AdminChange(
            who: JSONText(editor.sub),
            what: "policy/1/why",
            before: nil,
            after: .of(Array("open a".utf8))
        )
        #expect(leaf.body == .adminChange(change))
    }

    @Test(
        "A reason that is none is refused",
        arguments: ["", " \n\t ", "a\u{1B}[2Jb", "a\u{0}", "a\rb", String(repeating: "x", count: 4097)]
    )
    func badReason(_ text: String) async {
        #expect(await code { try ChangeReason(text) } == "invalid_reason")
    }

    @Test("The pages of the history are all of it, each version once")
    func pages() async throws {
        let editor = try await office.caller(.editor)
        for number in 1...7 {
            _ = try await desk.apply(file("s\(number)"), expecting: .anything, by: editor.permit())
        }
        for limit in 1...8 {
            var (seen, place): ([Int], [SQLValue]?) = ([], nil)
            repeat {
                let page = try await desk.history(PageRequest(limit: limit, after: place), for: editor.permit())
                #expect(page.items.count <= limit)
                seen += page.items.map(\.version)
                place = page.next
            } while place != nil
            #expect(seen == [7, 6, 5, 4, 3, 2, 1])
        }
    }

    @Test("Back to an earlier version is a new version with the old text, and says so")
    func rollBack() async throws {
        let editor = try await office.caller(.editor)
        _ = try await desk.apply(file("a"), expecting: .anything, by: editor.permit())
        let second = try await desk.apply(file("b"), expecting: .anything, by: editor.permit())
        let permit: Permit<Right.EditPolicy> = try editor.permit()
        let reason = try ChangeReason("b broke the build")
        let stale = await code { try await desk.rollBack(to: 1, expecting: .oneOf(["x"]), why: nil, by: permit) }
        #expect(stale == "precondition_failed")
        #expect(
            await code { try await desk.rollBack(to: 1, expecting: nil, why: nil, by: permit) }
                == "precondition_required"
        )
        let third = try await desk.rollBack(to: 1, expecting: .oneOf([second.tag]), why: reason, by: permit)
        #expect(third.version == 3)
        #expect(third.file.bytes == file("a"))
        let entry = try await desk.version(3, for: editor.permit())
        #expect(entry.rolledBackTo == 1)
        #expect(entry.why == "b broke the build")
        #expect(try office.bundle(try await desk.current()).version == 3)
        for version in [0, 4, -1, Int.max] {
            let missing = await code {
                try await desk.rollBack(to: version, expecting: .anything, why: nil, by: permit)
            }
            #expect(missing == "unknown_version")
        }
        #expect(try await desk.current().version == 3)
    }

    @Test("An earlier file is checked like any other: what this release does not take does not come back")
    func rollBackIsChecked() async throws {
        let editor = try await office.caller(.editor)
        _ = try await desk.apply(file("a"), expecting: .anything, by: editor.permit())
        _ = try await desk.apply(file("b"), expecting: .anything, by: editor.permit())
        // As a release with another language has left it.
        let (database, foreign) = (office.database, Array("version: 1\nfrob: 1\n".utf8))
        try await database.write { transaction in
            try transaction.execute("UPDATE policy SET file = ? WHERE version = 1", [.blob(foreign)])
        }
        let refused = await code {
            try await desk.rollBack(to: 1, expecting: .anything, why: nil, by: editor.permit())
        }
        #expect(refused == "policy_refused")
        #expect(try await desk.current().version == 2)
    }

    @Test("Two versions are compared line by line")
    func difference() async throws {
        let editor = try await office.caller(.editor)
        _ = try await desk.apply(file("a"), expecting: .anything, by: editor.permit())
        _ = try await desk.apply(file("b"), expecting: .anything, by: editor.permit())
        #expect(
            try await desk.difference(from: 1, to: 2, for: editor.permit()) == """
                  version: 1
                  roles:
                    dev:
                -     grant: [{ server: a }]
                +     grant: [{ server: b }]
                """
        )
        #expect(try await desk.difference(from: 2, to: 2, for: editor.permit()).isEmpty)
        #expect(try await desk.difference(from: 0, to: 1, for: editor.permit()).hasPrefix("  version: 1\n+ roles:"))
        #expect(
            await code { try await desk.difference(from: 1, to: 9, for: editor.permit()) } == "unknown_version"
        )
    }
}
