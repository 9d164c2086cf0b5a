import AuditLog
import Contract
import Database
import Policy
import Rights
import StrictJSON
import Testing

@testable import People

@Suite("Groups")
struct GroupTests {
    private let office: Office
    private let groups: Groups
    private let ann: EmailAddress
    private let bob: EmailAddress

    init() throws {
        office = try Office()
        groups = Groups(office.people)
        ann = try #require(EmailAddress("ann@example.com"))
        bob = try #require(EmailAddress("bob@example.com"))
    }

    @Test("A group has the people that an administrator says, who need not be there yet, and is stated")
    func put() async throws {
        let owner = try await office.caller(.owner)
        let group = try await groups.put("dev", members: [bob, ann, ann], expecting: nil, by: owner.permit())
        #expect(group.members == ["ann@example.com", "bob@example.com"])
        #expect(try await groups.group("dev", for: owner.permit()) == group)
        let less = try await groups.put("dev", members: [bob], expecting: .oneOf([group.tag]), by: owner.permit())
        #expect(less.members == ["bob@example.com"])
        #expect(try await groups.list(.all, for: owner.permit()).items.map(\.name) == ["dev"])
        _ = try await groups.put("dev", members: [], expecting: .anything, by: owner.permit())
        #expect(await code { try await groups.group("dev", for: owner.permit()) } == "unknown_group")
        #expect(try await office.changes().map(\.what).suffix(3) == ["groups/dev", "groups/dev", "groups/dev"])
    }

    @Test("A group that has members is changed only by whoever has seen them")
    func expectations() async throws {
        let owner = try await office.caller(.owner)
        let first = try await groups.put("dev", members: [ann], expecting: nil, by: owner.permit())
        #expect(
            await code { try await groups.put("dev", members: [bob], expecting: nil, by: owner.permit()) }
                == "precondition_required"
        )
        _ = try await groups.put("dev", members: [bob], expecting: .oneOf([first.tag]), by: owner.permit())
        #expect(
            await code {
                try await groups.put("dev", members: [ann], expecting: .oneOf([first.tag]), by: owner.permit())
            } == "precondition_failed"
        )
    }

    @Test("What the provider says of its people stays, and is told apart")
    func provider() async throws {
        let owner = try await office.caller(.owner)
        _ = try await groups.put("dev", members: [ann], expecting: nil, by: owner.permit())
        try await office.database.write { [people = office.people, bob] transaction in
            let sub = try people.pseudonym(of: bob, in: transaction)
            for group in ["dev", "Ops Team/EU"] {
                try transaction.execute(
                    "INSERT INTO group_member (name, sub, source) VALUES (?, ?, 'provider')",
                    [.text(group), .text(sub)]
                )
            }
        }
        let group = try await groups.group("dev", for: owner.permit())
        #expect(group.members == ["ann@example.com"] && group.fromProvider == ["bob@example.com"])
        _ = try await groups.put("dev", members: [], expecting: .anything, by: owner.permit())
        let found = try await office.database.read { [people = office.people, bob] view in
            try Groups.of(try #require(try people.person(email: bob, in: view)).sub, in: view)
        }
        #expect(found == ["Ops Team/EU", "dev"])
    }

    @Test("Its machines hear of a person who has come into a group or left it, and nobody else's")
    func told() async throws {
        let owner = try await office.caller(.owner)
        func revision(_ email: EmailAddress) async throws -> Int {
            try await office.database.read { view in
                try view.first("SELECT revision FROM person WHERE email = ?", [.text(email.text)])?.integer("revision")
                    ?? 0
            }
        }
        let group = try await groups.put("dev", members: [ann, bob], expecting: nil, by: owner.permit())
        let before = (try await revision(ann), try await revision(bob))
        _ = try await groups.put("dev", members: [ann], expecting: .oneOf([group.tag]), by: owner.permit())
        #expect(try await revision(ann) == before.0)
        #expect(try await revision(bob) > before.1)
    }

    @Test(
        "Names are names in a path, and members are few enough for one change",
        arguments: ["", ".", "..", "a b", "a/b", "ä"]
    )
    func names(name: String) async throws {
        let owner = try await office.caller(.owner)
        let refused = await code { try await groups.put(name, members: [ann], expecting: nil, by: owner.permit()) }
        #expect(refused == "invalid_request")
    }
}
