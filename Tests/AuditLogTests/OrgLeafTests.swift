import AuditLog
import Bytes
import Errors
import StrictJSON
import Testing
import TransparencyLog

@Suite("Leaves of the organisation's log")
struct OrgLeafTests {
    static let key = SigningKey().publicKey.fingerprint
    static let bodies: [OrgLeaf.Body] = [
        .keyEnrol(.init(agent: "a-abcdefghijklmnop", key: key, sub: "u-1", custody: "keyring")),
        .keyRevoke(agent: "a-abcdefghijklmnop", key: key, why: "logout"),
        .policyBundle(version: 3, digest: .of([1]), expires: 1_795_346_150_000_000),
        .agentCheckpoint(Checkpoint(origin: "gate.example.com/agent/a-1", size: 7, root: .of([2]))),
        .adminChange(.init(who: "u-1", what: "servers/github", before: nil, after: .of([3]))),
        .logRestart(
            .init(
                epoch: 1_795_346_150,
                base: Checkpoint(origin: "gate.example.com/audit", size: 7, root: .of([2])),
                known: Checkpoint(origin: "gate.example.com/audit/epoch-3", size: 9, root: .of([4])),
                who: "uid:0",
                why: "restored, twice"
            )
        ),
        .logSeen(agent: "a-1", Checkpoint(origin: "gate.example.com/audit", size: 8, root: .of([5]))),
        .adminChange(.init(who: "coordinator", what: "caf\u{E9} \"quoted\"", before: .of([3]), after: nil)),
    ]

    static func leaf(_ body: OrgLeaf.Body) throws -> OrgLeaf {
        var random = RandomPool()
        return try OrgLeaf(body, at: 1_795_346_150_123_456, random: &random)
    }

    @Test("What was written is read again, in the canonical form", arguments: bodies)
    func roundTrip(body: OrgLeaf.Body) throws {
        let leaf = try Self.leaf(body)
        #expect(try OrgLeaf(parsing: leaf.bytes) == leaf)
        #expect(leaf.body == body)
        #expect(leaf.time == 1_795_346_150_123_456)
        let json = try JSONValue(canonical: leaf.bytes)
        #expect(json["kind"]?.text == leaf.kind)
        #expect(json["v"] == 1)
        #expect(json["salt"]?.text?.utf8.count == 22)
    }

    @Test("Two leaves that say the same have different hashes")
    func salted() throws {
        #expect(try Self.leaf(Self.bodies[0]).hash != Self.leaf(Self.bodies[0]).hash)
    }

    @Test(
        "The members are those of the contract",
        arguments: zip(
            bodies,
            [
                ["agent", "custody", "key", "kind", "salt", "sub", "t", "v"],
                ["agent", "key", "kind", "salt", "t", "v", "why"],
                ["digest", "expires", "kind", "salt", "t", "v", "version"],
                ["kind", "origin", "root", "salt", "size", "t", "v"],
                ["after", "before", "kind", "salt", "t", "v", "what", "who"],
                [
                    "epoch", "kind", "known_origin", "known_root", "known_size", "origin", "root", "salt", "size", "t",
                    "v", "who", "why",
                ],
                ["agent", "kind", "origin", "root", "salt", "size", "t", "v"],
            ]
        )
    )
    func members(body: OrgLeaf.Body, names: [JSONText]) throws {
        #expect(try JSONValue(canonical: try Self.leaf(body).bytes).object?.names == names)
    }

    @Test("A leaf with a byte changed, a member more or less, or another order is refused", arguments: bodies)
    func strict(body: OrgLeaf.Body) throws {
        let leaf = try Self.leaf(body)
        let object = try #require(try JSONValue(canonical: leaf.bytes).object)
        for name in object.names {
            var less = object
            less[name] = nil
            #expect(throws: LogError(.malformed, "")) { try OrgLeaf(parsing: JSONValue.object(less).bytes) }
            for value in [true, [], nil, "", "caf\u{E9} \n", -1, ["a": 1]] as [JSONValue] where name != "what" {
                var other = object
                other[name] = value
                if value == "", name == "before" || name == "after" { continue }
                // Words of the administrator.
                if leaf.kind == "log.restart", name == "why", value.text != nil { continue }
                #expect(throws: LogError(.malformed, "")) { try OrgLeaf(parsing: JSONValue.object(other).bytes) }
            }
        }
        var more = object
        more["x"] = 1
        #expect(throws: LogError(.malformed, "")) { try OrgLeaf(parsing: JSONValue.object(more).canonicalBytes()) }
        for index in leaf.bytes.indices {
            var changed = leaf.bytes
            changed[index] ^= 0x80
            #expect(throws: LogError(.malformed, "")) { try OrgLeaf(parsing: changed) }
        }
        #expect(throws: LogError(.malformed, "")) { try OrgLeaf(parsing: leaf.bytes + [0x20]) }
        #expect(throws: LogError(.malformed, "")) { try OrgLeaf(parsing: []) }
    }

    @Test("Kinds that are not known are refused")
    func unknown() {
        let text = #"{"kind":"key.rotate","salt":"AAAAAAAAAAAAAAAAAAAAAA","t":"2026-11-22T11:15:50.123456Z","v":1}"#
        #expect(throws: LogError(.malformed, "")) { try OrgLeaf(parsing: Array(text.utf8)) }
    }

    @Test("What no reader could read again is not written")
    func unwritable() {
        let bodies: [OrgLeaf.Body] = [
            .keyEnrol(.init(agent: "A", key: Self.key, sub: "u", custody: "keyring")),
            .keyEnrol(.init(agent: "a", key: "SHA256:", sub: "u", custody: "keyring")),
            .keyEnrol(.init(agent: "a", key: Self.key, sub: "ann@example.com", custody: "keyring")),
            .keyRevoke(agent: "a", key: Self.key, why: "it was lost"),
            .policyBundle(version: 0, digest: .empty, expires: 0),
            .agentCheckpoint(Checkpoint(origin: "a b", size: 1, root: .empty)),
            .agentCheckpoint(Checkpoint(origin: "a", size: .max, root: .empty)),
            .adminChange(
                .init(who: "u", what: JSONText(String(repeating: "a", count: 257)), before: nil, after: nil)
            ),
        ]
        for body in bodies {
            #expect(throws: LogError(.malformed, "")) { try Self.leaf(body) }
        }
    }
}
