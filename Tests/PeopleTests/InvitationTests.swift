import AuditLog
import AuditSink
import Bytes
import Contract
import Database
import Policy
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import People

@Suite("Invitations")
struct InvitationTests {
    private let office: Office
    private let ann: EmailAddress

    init() throws {
        office = try Office()
        ann = try #require(EmailAddress("ann@example.com"))
    }

    @Test("The first owner is invited by the coordinator, with what a machine needs to trust it")
    func owner() async throws {
        let issued = try await office.people.inviteOwner(ann)
        let token = try #require(EnrolmentToken(issued.token.text))
        #expect(token.keyFingerprint == office.log.key.publicKey.fingerprint)
        #expect(token.authority == [0x30, 0x82])
        let person = try await office.use(issued, as: "a-1")
        #expect(person.role == .owner)
        #expect(person.email == "ann@example.com")
        #expect(try await office.changes().map(\.who) == ["coordinator", "coordinator"])
    }

    @Test("It opens once, for twenty at a time as well")
    func race() async throws {
        let issued = try await office.people.inviteOwner(ann)
        let office = office
        let codes = await withTaskGroup(of: String?.self) { group in
            for number in 0..<20 {
                group.addTask { await code { try await office.use(issued, as: "a-\(number)") } }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count(where: { $0 == nil }) == 1)
        #expect(codes.count(where: { $0 == "token_spent" }) == 19)
    }

    @Test("Its id begins with a letter, so that it can be typed behind a command")
    func id() throws {
        for first in UInt8.min ... .max {
            let id = Randomness { [UInt8](repeating: first, count: $0) }.id()
            #expect(id.utf8.count == 22)
            #expect(try #require(id.first).isLetter)
        }
    }

    @Test("It ends by its time, and what was never one is refused in the same words")
    func expiry() async throws {
        let owner = try await office.caller(.owner)
        let issued = try await office.people.invite(ann, role: .member, seconds: 1, by: owner.permit())
        office.clock.pass(1)
        #expect(await code { try await office.use(issued, as: "a-1") } == "token_spent")
        let people = office.people
        for proof in ["", "dwi1.", "dwi1.AAAA", EnrolmentToken.proof(secret: [UInt8](repeating: 7, count: 16))] {
            let office = office
            #expect(
                await code {
                    try await office.database.write { transaction in
                        _ = try people.redeem(proof: proof, in: transaction)
                    }
                } == "token_spent"
            )
        }
        for seconds in [0, -1, 31 * 86_400, .max] {
            #expect(
                await code { try await people.invite(ann, role: .member, seconds: seconds, by: owner.permit()) }
                    == "invalid_request"
            )
        }
    }

    @Test("A person cannot invite to a higher role, and only administrators invite at all")
    func above() async throws {
        let people = office.people
        let admin = try await office.caller(.admin)
        #expect(
            await code { try await people.invite(ann, role: .owner, seconds: 60, by: admin.permit()) } == "role_needed"
        )
        #expect(await code { try await people.invite(ann, role: .admin, seconds: 60, by: admin.permit()) } == nil)
        for role in [Role.editor, .auditor, .member] {
            let caller = try await office.caller(role)
            #expect(
                await code { try await people.invite(ann, role: .member, seconds: 60, by: caller.permit()) }
                    == "role_needed"
            )
        }
    }

    @Test("An invitation for a person with a higher role is refused: its holder would act as that person")
    func impersonation() async throws {
        _ = try await office.caller(.owner, "boss@example.com")
        let admin = try await office.caller(.admin)
        for spelling in ["boss@example.com", "BOSS@Example.com"] {
            let email = try #require(EmailAddress(spelling))
            #expect(
                await code { try await office.people.invite(email, role: .member, seconds: 60, by: admin.permit()) }
                    == "role_needed"
            )
        }
    }

    @Test("An invitation that was made before the person rose opens nothing any more")
    func risen() async throws {
        let admin = try await office.caller(.admin)
        let kept = try await office.people.invite(ann, role: .member, seconds: 3600, by: admin.permit())
        let owner = try await office.caller(.owner, "second@example.com")
        let raising = try await office.people.invite(ann, role: .owner, seconds: 60, by: owner.permit())
        #expect(try await office.use(raising, as: "a-1").role == .owner)
        #expect(await code { try await office.use(kept, as: "a-2") } == "token_spent")
    }

    @Test("Only an owner invites a person of the same rank who is there already; all people invite themselves")
    func peers() async throws {
        let people = office.people
        let admin = try await office.caller(.admin)
        let peer = try await office.caller(.admin, "peer@example.com")
        let email = try #require(EmailAddress(peer.email))
        for role in [Role.member, .admin] {
            let refused = await code { try await people.invite(email, role: role, seconds: 60, by: admin.permit()) }
            #expect(refused == "role_needed")
            #expect(await code { try await people.invite(email, role: role, seconds: 60, by: peer.permit()) } == nil)
        }
        let (first, second) = (
            try await office.caller(.owner, "one@example.com"), try await office.caller(.owner, "two@example.com")
        )
        let other = try #require(EmailAddress(second.email))
        #expect(await code { try await people.invite(other, role: .owner, seconds: 60, by: first.permit()) } == nil)
    }

    @Test("An invitation that is kept until the person has risen to its maker's rank opens nothing either")
    func risenToPeer() async throws {
        let admin = try await office.caller(.admin)
        let used = try await office.people.invite(ann, role: .admin, seconds: 3600, by: admin.permit())
        let kept = try await office.people.invite(ann, role: .admin, seconds: 3600, by: admin.permit())
        #expect(try await office.use(used, as: "a-1").role == .admin)
        #expect(await code { try await office.use(kept, as: "a-2") } == "token_spent")
    }

    @Test("A second machine takes nothing away from anybody")
    func second() async throws {
        let owner = try await office.caller(.owner, "ann@example.com")
        let issued = try await office.people.invite(ann, role: .member, seconds: 60, by: owner.permit())
        let person = try await office.use(issued, as: "a-2")
        #expect(person.role == .owner)
        #expect(person.sub == owner.sub)
    }

    @Test("What is stored opens nothing, and what is shown has no secret")
    func secrets() async throws {
        let owner = try await office.caller(.owner)
        let issued = try await office.people.invite(ann, role: .auditor, seconds: 60, by: owner.permit())
        let text = Base64.url(issued.token.secret)
        for row in try await office.stored() {
            #expect(!row.contains(text))
            #expect(!row.contains("\(issued.token.secret)"))
        }
        #expect(!"\(issued.token)".contains(text))
        let shown = try await office.people.invitations(for: owner.permit())
        #expect(shown.map(\.email).contains("ann@example.com"))
        for each in shown { #expect(!each.json(now: office.clock.now).json.contains(text)) }
        let change = try #require(try await office.changes().last)
        #expect(change.what == JSONText("invitations/\(issued.invitation.id)"))
        #expect(change.who == JSONText(owner.sub))
    }

    @Test("A person whom a policy named keeps the pseudonym on joining")
    func named() async throws {
        let (people, ann) = (office.people, ann)
        let sub = try await office.database.write { transaction in try people.pseudonym(of: ann, in: transaction) }
        let again = try await office.database.write { transaction in try people.pseudonym(of: ann, in: transaction) }
        #expect(sub == again)
        #expect(sub.hasPrefix("p-") && !sub.contains("ann"))
        let person = try await office.use(try await people.inviteOwner(ann), as: "a-1")
        #expect(person.sub == sub)
    }
}
