import AuditLog
import AuditSink
import Bytes
import Contract
import Database
import People
import Policy
import PolicyFile
import Rights
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import PolicyStore

private func file(_ server: String = "a", _ more: String = "") -> [UInt8] {
    let text = """
        version: 1
        roles: {dev: {grant: [{server: \(server)}]}} # \u{E9}
        bind: [{user: ann@example.com, role: dev}]
        forbid: [{user: bob@example.com, server: \(server)}]
        \(more)
        """
    return Array(text.utf8)
}

@Suite("The policy desk")
struct PolicyStoreTests {
    private let office: Desk
    private var desk: PolicyStore { office.desk }

    init() throws {
        office = try Desk()
    }

    @Test("Before any was applied there is the empty file with its tag, and no bundle")
    func none() async throws {
        let policy = try await desk.current()
        #expect(policy.version == 0)
        #expect(policy.file.bytes == PolicyFile.empty.bytes)
        #expect(policy.note == nil)
        #expect(policy.tag.hasPrefix("0-"))
        let editor = try await office.caller(.editor)
        let applied = try await desk.apply(file(), expecting: .oneOf([policy.tag]), by: editor.permit())
        #expect(applied.version == 1)
    }

    @Test("What was applied is given back byte by byte, signed, logged and announced")
    func applied() async throws {
        let editor = try await office.caller(.editor)
        let applied = try await desk.apply(file(), expecting: .anything, by: editor.permit())
        #expect(applied.version == 1)
        let current = try await desk.current(for: try await office.caller(.auditor).permit())
        #expect(current.file.bytes == file())
        #expect(current.tag == applied.tag)
        #expect(current.mediaType == "application/yaml")

        let bundle = try office.bundle(current)
        #expect(bundle.version == 1)
        #expect(bundle.expires == UTCTime(seconds: office.now + 7 * 86_400))
        #expect(bundle.notBefore <= UTCTime(seconds: office.now))
        #expect(try PolicyRules(bundle.rules) == current.rules)
        let text = String(decoding: try bundle.json.canonicalBytes(), as: UTF8.self)
        #expect(!text.contains("example.com"))
        #expect(office.revisions.changes.version == 1)

        let bodies = try await office.leaves().map(\.body)
        let digest = try #require(Hash(base64URL: bundle.digest))
        #expect(
            bodies == [
                .policyBundle(version: 1, digest: digest, expires: Int64(bundle.expires.microseconds)),
                .adminChange(
                    OrgLeaf.AdminChange(who: JSONText(editor.sub), what: "policy", before: nil, after: .of(file()))
                ),
            ]
        )
    }

    @Test("It is all there after a restart")
    func restart() async throws {
        let applied = try await desk.apply(file(), expecting: .anything, by: try await office.caller(.editor).permit())
        let again = try await office.reopened().desk.current()
        #expect(again.tag == applied.tag)
        #expect(again.note == applied.note)
        #expect(again.rules == applied.rules)
    }

    @Test("The rules name people by the pseudonyms that they keep")
    func pseudonyms() async throws {
        let editor = try await office.caller(.editor)
        let first = try await desk.apply(file(), expecting: .anything, by: editor.permit())
        let second = try await desk.apply(file("b"), expecting: .anything, by: editor.permit())
        #expect(first.rules.forbids.first?.scope.person == second.rules.forbids.first?.scope.person)
        #expect(first.rules.forbids.first?.scope.person?.string.hasPrefix("p-") == true)
    }

    @Test("Of those who replace the same policy at once one is let, and each version follows the last")
    func race() async throws {
        let (desk, editor) = (desk, try await office.caller(.editor))
        let tag = try await desk.current().tag
        let codes = await withTaskGroup(of: String?.self) { group in
            for number in 0..<10 {
                group.addTask {
                    await code {
                        try await desk.apply(file("s\(number)"), expecting: .oneOf([tag]), by: editor.permit())
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count(where: { $0 == nil }) == 1)
        #expect(codes.count(where: { $0 == "precondition_failed" }) == 9)
        #expect(try await desk.current().version == 1)
        #expect(try await desk.apply(file("z"), expecting: .anything, by: editor.permit()).version == 2)
    }

    @Test("The same file at another version has another tag, and an old one replaces nothing")
    func tags() async throws {
        let editor = try await office.caller(.editor)
        let first = try await desk.apply(file(), expecting: .anything, by: editor.permit())
        let second = try await desk.apply(file(), expecting: .oneOf(["x", first.tag]), by: editor.permit())
        #expect(second.version == 2)
        #expect(first.tag != second.tag)
        for expectation in [Expectation.oneOf([first.tag]), .oneOf([]), .oneOf(["\"\(second.tag)\""])] {
            #expect(
                await code { try await desk.apply(file("b"), expecting: expectation, by: editor.permit()) }
                    == "precondition_failed"
            )
        }
        #expect(
            await code { try await desk.apply(file("b"), expecting: nil, by: editor.permit()) }
                == "precondition_required"
        )
        #expect(try await desk.current().tag == second.tag)
    }

    @Test("A file that is refused changes nothing and says where")
    func refused() async throws {
        let editor = try await office.caller(.editor)
        let applied = try await desk.apply(file(), expecting: .anything, by: editor.permit())
        let leaves = try await office.leaves().count
        let bad = file("a", "tests: [{user: ann@example.com, call: a/t, expect: deny}]")
        do {
            _ = try await desk.apply(bad, expecting: .anything, by: editor.permit())
            Issue.record("it was applied")
        } catch let problem as Refused {
            #expect(problem.code == "policy_refused")
            #expect(FieldProblem.list(problem.members["problems"]).map(\.place) == ["tests/0"])
        }
        #expect(try await desk.check(bad, for: editor.permit()).problems.map(\.place) == ["tests/0"])
        // A caller that has not seen what is in force hears of that first, whatever it sends.
        let stale = await code { try await desk.apply(bad, expecting: .oneOf(["x"]), by: editor.permit()) }
        #expect(stale == "precondition_failed")
        #expect(try await desk.current().tag == applied.tag)
        #expect(try await office.leaves().count == leaves)
        #expect(office.revisions.changes.version == 1)
    }

    @Test("Editors and above change it, auditors look at it, members do neither")
    func roles() async throws {
        for role in Role.allCases {
            let caller = try await office.caller(role)
            let changing = await code { try await desk.apply(file(), expecting: .anything, by: caller.permit()) }
            #expect(changing == (role >= .editor ? nil : "role_needed"))
            #expect(
                await code { try await desk.current(for: caller.permit()) } == (role >= .auditor ? nil : "role_needed")
            )
            let checking = await code { try await desk.check(file(), for: caller.permit()) }
            #expect(checking == (role >= .auditor ? nil : "role_needed"))
            #expect(
                await code { try await desk.roles(for: caller.permit()) } == (role >= .auditor ? nil : "role_needed")
            )
        }
        let token = Caller(
            sub: "p",
            email: "a@b",
            role: .owner,
            proof: .token(id: "t", scopes: [.read], expires: .max),
            isLocked: false
        )
        #expect(await code { try await desk.apply(file(), expecting: .anything, by: token.permit()) } == "scope_needed")
    }

    @Test("Half-way to its end a bundle is signed again: the same version and digest, a later end")
    func renewal() async throws {
        #expect(try await desk.renewIfDue() == false)
        let first = try await desk.apply(file(), expecting: .anything, by: try await office.caller(.editor).permit())
        office.pass(84 * 3600 - 1)
        #expect(try await desk.renewIfDue() == false)
        office.pass(1)
        let desk = desk
        let renewed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 { group.addTask { try await desk.renewIfDue() } }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(renewed == 1)
        #expect(office.revisions.changes.version == 2)
        let second = try await desk.current()
        #expect(second.tag == first.tag)
        let (old, new) = (try office.bundle(first), try office.bundle(second))
        #expect(new.version == old.version)
        #expect(new.digest == old.digest)
        #expect(new.expires == UTCTime(seconds: office.now + 7 * 86_400))
        let bundles = try await office.leaves().filter { $0.kind == "policy.bundle" }
        #expect(bundles.count == 2)
        #expect(try await desk.renewIfDue() == false)
        // However long no caller looked.
        office.pass(30 * 86_400)
        #expect(try await desk.renewIfDue() == true)
    }

    @Test("The roles are shown with who has them")
    func shownRoles() async throws {
        let caller = try await office.caller(.owner)
        _ = try await desk.apply(file(), expecting: .anything, by: caller.permit())
        let wanted: JSONValue = [
            [
                "name": "dev", "grant": [["server": "a"]],
                "bind": [["rule": "bind/0", "user": "ann@example.com"]],
            ]
        ]
        #expect(try await desk.roles(for: caller.permit()) == wanted)
    }
}
