import AuditLog
import AuditSink
import Bytes
import Contract
import Database
import Kits
import People
import Policy
import Rights
import StrictJSON
import Testing
import TransparencyLog

@testable import Fleet

@Suite("What a machine or a token gave ends with it")
struct RevocationTests {
    private let office: Office
    private let ann: EmailAddress
    private let mallory: EmailAddress

    init() throws {
        office = try Office()
        ann = try #require(EmailAddress("ann@example.com"))
        mallory = try #require(EmailAddress("mallory@example.com"))
    }

    private func owner() async throws -> Caller {
        try await office.caller(try await office.machine("founder@example.com", .owner))
    }

    private func enrol(_ invitation: IssuedInvitation) async -> String? {
        await code { try await office.enrol(invitation.token.proof) }
    }

    /// What the organisation's log says was taken away, newest last.
    private func taken() async throws -> [String] {
        let leaves = try await office.database.read { view in
            try view.rows("SELECT leaf FROM org_leaf ORDER BY position").map { try OrgLeaf(parsing: $0.blob("leaf")) }
        }
        return leaves.compactMap { leaf in
            guard case .adminChange(let change) = leaf.body, change.before != nil, change.after == nil else {
                return nil
            }
            return change.what.string
        }
    }

    @Test("A machine that was stolen for a minute leaves nothing behind that lets anybody in")
    func stolen() async throws {
        let (people, owner) = (office.people, try await owner())
        let stolen = try await office.machine("ann@example.com", .admin)
        let thief = try await office.caller(stolen)
        let month = 30 * 86_400
        var invitations = [
            try await people.invite(ann, role: .admin, seconds: month, by: thief.permit()),
            try await people.invite(mallory, role: .admin, seconds: month, by: thief.permit()),
        ]
        let token = try await people.addToken("t1", scopes: [.admin], seconds: month, by: thief.permit())
        let script = try await people.caller(token: token.secret)
        let second = try await people.addToken("t2", scopes: [.admin], seconds: month, by: script.permit())
        for maker in [script, try await people.caller(token: second.secret)] {
            invitations.append(try await people.invite(mallory, role: .admin, seconds: month, by: maker.permit()))
        }
        let untouched = try await people.invite(mallory, role: .member, seconds: month, by: owner.permit())

        let (agent, ended) = try await office.fleet.revoke(stolen.id, by: owner.permit())
        #expect(agent.revokedWhy == "revoked")
        #expect(ended.agents == [stolen.id])
        #expect(ended.tokens.sorted() == ["t1", "t2"])
        #expect(Set(ended.invitations) == Set(invitations.map(\.invitation.id)))
        #expect(ended.enrolled.isEmpty)
        for invitation in invitations { #expect(await enrol(invitation) == "token_spent") }
        for secret in [token.secret, second.secret] {
            #expect(await code { try await people.caller(token: secret) } == "bad_token")
        }
        // A caller who was proven just before makes nothing new.
        for late in [thief, script] {
            let word = late == thief ? "revoked_key" : "bad_token"
            #expect(
                await code { try await people.invite(mallory, role: .member, seconds: 60, by: late.permit()) } == word
            )
            #expect(
                await code { try await people.addToken("t3", scopes: [.read], seconds: 60, by: late.permit()) } == word
            )
            #expect(await code { try await office.fleet.revoke(agent.agentID, by: late.permit()) } == word)
        }
        let expected = ["agents/\(stolen.id)", "tokens/\(token.token.id)", "tokens/\(second.token.id)"]
        let stated = try await taken()
        #expect(Set(stated) == Set(expected + invitations.map { "invitations/\($0.invitation.id)" }))
        #expect(stated.count == 7)
        #expect(await enrol(untouched) == nil)
    }

    @Test("What a token of an hour makes lasts an hour, and no longer than the token itself")
    func hour() async throws {
        let (people, owner) = (office.people, try await owner())
        let token = try await people.addToken("hour", scopes: [.admin], seconds: 3600, by: owner.permit())
        let script = try await people.caller(token: token.secret)
        let late = try await people.invite(mallory, role: .admin, seconds: 30 * 86_400, by: script.permit())
        #expect(late.invitation.expiresAt == token.token.expiresAt)
        #expect(late.json["expires"] == .text(UTCTime(seconds: token.token.expiresAt).shortText))
        let short = try await people.addToken("short", scopes: [.admin], seconds: 3600, by: owner.permit())
        let removed = try await people.invite(
            mallory,
            role: .admin,
            seconds: 60,
            by: try await people.caller(token: short.secret).permit()
        )
        let ended = try await people.removeToken("short", by: owner.permit())
        #expect(ended.invitations == [removed.invitation.id])
        #expect(await enrol(removed) == "token_spent")
        office.pass(3600)
        #expect(await enrol(late) == "token_spent")
    }

    @Test("The machines that came in are named, through every generation, and their keys are taken if that is asked")
    func enrolled() async throws {
        let (people, owner) = (office.people, try await owner())
        let stolen = try await office.machine("ann@example.com", .admin)
        let thief = try await office.caller(stolen)
        let first = try await office.enrol(
            try await people.invite(mallory, role: .admin, seconds: 60, by: thief.permit()).token.proof
        )
        let token = try await people.addToken(
            "t",
            scopes: [.admin],
            seconds: 60,
            by: try await office.caller(first).permit()
        )
        let eve = try #require(EmailAddress("eve@example.com"))
        let script = try await people.caller(token: token.secret)
        let second = try await office.enrol(
            try await people.invite(eve, role: .member, seconds: 60, by: script.permit()).token.proof
        )
        // The one between is gone, and so is the token: the line is still there.
        try await office.fleet.leave(try await office.caller(first).machine())
        let third = try await office.enrol(
            try await people.invite(eve, role: .member, seconds: 60, by: thief.permit()).token.proof
        )

        let (_, kept) = try await office.fleet.revoke(stolen.id, by: owner.permit())
        #expect(Set(kept.enrolled.map(\.agentID)) == [second.id, third.id])
        #expect(kept.enrolled.first { $0.agentID == second.id }?.user == "eve@example.com")
        #expect(await code { try await office.caller(second) } == nil)
        let (_, ended) = try await office.fleet.revoke(stolen.id, enrolled: .revoke, by: owner.permit())
        #expect(Set(ended.agents) == [second.id, third.id])
        #expect(ended.enrolled.isEmpty)
        for machine in [second, third] { #expect(await code { try await office.caller(machine) } == "revoked_key") }
    }

    @Test("A person whom a thief raised is named, until an administrator confirms that role")
    func raised() async throws {
        let (people, owner) = (office.people, try await owner())
        let stolen = try await office.machine("ann@example.com", .admin)
        let thief = try await office.caller(stolen)
        for name in ["friend", "other", "third"] { _ = try await office.machine("\(name)@example.com") }
        _ = try await people.setRole(.admin, of: "friend@example.com", by: thief.permit())
        let token = try await people.addToken("t", scopes: [.admin], seconds: 3600, by: thief.permit())
        let script = try await people.caller(token: token.secret)
        _ = try await people.setRole(.editor, of: "other@example.com", by: script.permit())
        let first = try await office.enrol(
            try await people.invite(mallory, role: .admin, seconds: 60, by: script.permit()).token.proof
        )
        _ = try await people.setRole(.auditor, of: "third@example.com", by: try await office.caller(first).permit())
        _ = try await office.machine("honest@example.com", .editor)

        let removed = try await people.removeToken("t", by: owner.permit())
        #expect(removed.raised.map(\.user) == ["mallory@example.com", "other@example.com", "third@example.com"])
        let (_, ended) = try await office.fleet.revoke(stolen.id, by: owner.permit())
        #expect(ended.raised.map(\.user).contains("friend@example.com"))
        #expect(ended.raised.count == 4)
        _ = try await people.setRole(.editor, of: "other@example.com", by: owner.permit())
        _ = try await people.setRole(.member, of: "friend@example.com", by: owner.permit())
        let (_, after) = try await office.fleet.revoke(stolen.id, enrolled: .revoke, by: owner.permit())
        #expect(after.raised.map(\.user) == ["mallory@example.com", "third@example.com"])
    }

    @Test("An administrator who takes what came in does not lose the own machine, and takes none of somebody above")
    func ownMachine() async throws {
        let people = office.people
        let old = try await office.machine("ann@example.com", .owner)
        let invitation = try await people.invite(
            ann,
            role: .owner,
            seconds: 60,
            by: try await office.caller(old).permit()
        )
        let new = try await office.enrol(invitation.token.proof)
        let asking = try await office.caller(new)
        let (_, ended) = try await office.fleet.revoke(old.id, enrolled: .revoke, by: asking.permit())
        #expect(ended.agents == [old.id])
        #expect(ended.enrolled.map(\.agentID) == [new.id])
        #expect(await code { try await office.caller(new) } == nil)

        // One who has risen since is above the administrator who asks.
        let lost = try await office.machine("adam@example.com", .admin)
        let risen = try await office.enrol(
            try await people.invite(mallory, role: .admin, seconds: 60, by: try await office.caller(lost).permit())
                .token.proof
        )
        _ = try await people.setRole(.owner, of: mallory.text, by: asking.permit())
        let admin = try await office.caller(try await office.machine("eve@example.com", .admin))
        let (_, second) = try await office.fleet.revoke(lost.id, enrolled: .revoke, by: admin.permit())
        #expect(second.agents == [lost.id])
        #expect(second.enrolled.map(\.agentID) == [risen.id])
        #expect(await code { try await office.caller(risen) } == nil)
    }

    @Test("What a machine made ends with it also when it leaves by itself")
    func leaving() async throws {
        let people = office.people
        let machine = try await office.machine("ann@example.com", .owner)
        let caller = try await office.caller(machine)
        let invitation = try await people.invite(mallory, role: .member, seconds: 3600, by: caller.permit())
        let token = try await people.addToken("mine", scopes: [.read], seconds: 3600, by: caller.permit())
        try await office.fleet.leave(caller.machine())
        #expect(await enrol(invitation) == "token_spent")
        #expect(await code { try await people.caller(token: token.secret) } == "bad_token")
    }

    @Test("A machine of a person who was removed is told, while its question is held", .timeLimit(.minutes(1)))
    func removed() async throws {
        let (fleet, people, owner) = (office.fleet, office.people, try await owner())
        let machine = try await office.machine("ann@example.com", .editor)
        let waiting = try await office.caller(machine)
        let newest = try await office.database.read { view in
            try view.first("SELECT last FROM revision")?.integer("last")
        }
        let question = SyncQuestion(after: try #require(newest))
        let held = Task { await code { try await fleet.news(question, for: waiting.machine(), hold: .seconds(50)) } }
        let (_, ended) = try await people.remove("ann@example.com", by: owner.permit())
        #expect(ended.agents == [machine.id])
        #expect(await held.value == "revoked_key")
        let shown = try await fleet.agents(for: owner.permit()).first { $0.agentID == machine.id }
        #expect(shown?.revokedWhy == "removed")
    }

    @Test("Whatever a revoked machine asks, it is answered with the coordinator's signed word")
    func statement() async throws {
        let (fleet, owner) = (office.fleet, try await owner())
        let machine = try await office.machine("ann@example.com")
        let other = try await office.machine("eve@example.com")
        let caller = try await office.caller(machine)
        _ = try await fleet.revoke(machine.id, by: owner.permit())
        office.pass(10)
        let attempts: [() async throws -> Void] = [
            { _ = try await self.office.caller(machine) },
            { _ = try await fleet.news(SyncQuestion(after: 0), for: caller.machine(), hold: .zero) },
            { try await fleet.leave(caller.machine()) },
        ]
        for attempt in attempts {
            do {
                try await attempt()
                Issue.record("it was let in")
            } catch let problem as Refused {
                let sent = try #require(Problem(try JSONValue(parsing: Problem(sent: problem).json.bytes)))
                func statement(of machine: Machine) -> RevocationStatement? {
                    RevocationStatement.verified(
                        in: sent,
                        by: office.log.key.publicKey,
                        names: office.log.key.names,
                        agentID: machine.id,
                        key: machine.key.publicKey.fingerprint
                    )
                }
                #expect(statement(of: machine)?.time == UTCTime(seconds: office.now - 10))
                #expect(statement(of: other) == nil)
            }
        }
        // Who only knows the key's name gets no word about it.
        var forged = try machine.sign("GET", "/", at: office.now)
        forged.path = "/x"
        #expect(await code { try await fleet.admit(forged) } == "bad_signature")
    }

    @Test("An invitation that is used while its maker's key is taken lets no machine in unseen", arguments: 0..<8)
    func race(_ round: Int) async throws {
        let (office, people, owner) = (office, office.people, try await owner())
        let stolen = try await office.machine("ann@example.com", .admin)
        let invitation = try await people.invite(
            mallory,
            role: .admin,
            seconds: 60,
            by: try await office.caller(stolen).permit()
        )
        async let entered = office.enrol(invitation.token.proof)
        async let revoked = office.fleet.revoke(stolen.id, by: owner.permit())
        let (_, ended) = try await revoked
        if let machine = try? await entered {
            #expect(ended.enrolled.map(\.agentID) == [machine.id])
            #expect(ended.invitations.isEmpty)
        } else {
            #expect(ended.invitations == [invitation.invitation.id])
            #expect(ended.enrolled.isEmpty)
        }
    }
}
