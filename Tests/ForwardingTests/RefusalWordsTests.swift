import AuditLog
import Bytes
import MCP
import Policy
import StrictJSON
import Testing
import Upstreams

@testable import Forwarding

@Suite("What the agent says")
struct RefusalWordsTests {
    private static let record = RandomID(high: 1, low: 2)
    private static let issue = CallItem.tool("get_issue")

    @Test(
        "The message alone says which server, what happened and what to do",
        arguments: [
            (
                Refusal.credential(.needsSignIn, server: "github"),
                "Sign in to github first: run `doorward connect github`."
            ),
            (
                .credential(.locked, server: "github"),
                "The sign-in to github lies in your keyring, which is locked: run `doorward unlock` and try again."
            ),
            (
                .insufficientScope("github"),
                "github wants more rights for this than you gave it: run `doorward connect github`."
            ),
            (
                .limited(rule: "limits/0", words: "At most 60 calls a minute", retryAfterMilliseconds: 29_001)
                    .about("github"),
                "At most 60 calls a minute to github: try again in 30 s."
            ),
            (
                .down("unreachable", "The server cannot be reached: nobody answers.", server: "github", since: 0),
                "github cannot be reached: nobody answers. It has had trouble since 1970-01-01 00:00 UTC. "
                    + "`doorward status` shows when it is back."
            ),
            (
                .timeout(after: 300_000_000_000, server: "github"),
                "github was silent for 300 s, the longest that it may be, and was given up. It may have done what it was "
                    + "asked. An administrator can give it longer, by `doorward admin servers add` with `--timeout SECONDS`."
            ),
            (
                .badAnswer("malformed", "The server's answer cannot be taken: byte 1.", server: "github"),
                "github's answer cannot be taken: byte 1. It may have done what it was asked. `doorward audit show "
                    + "00000000000000010000000000000002` shows what is on record."
            ),
            (
                .notRecorded.about("github"),
                "This cannot be recorded, so nothing was asked of github: run `doorward status` to see why."
            ),
            (
                .unknownMethod(.handshake).about("github"),
                "MCP 2025-11-25 has no such method, so nothing was asked of github: ask for something else, or in a revision "
                    + "that has it."
            ),
            (
                .failed(UpstreamError(.closed, "The server closed the connection."), wasSent: true, server: "github"),
                "github closed the connection. It may have done what it was asked. `doorward status` shows when it is back."
            ),
            (
                .failed(UpstreamError(.closed, "The server closed the connection."), wasSent: false, server: "github"),
                "github closed the connection. `doorward status` shows when it is back."
            ),
            (
                .failed(UpstreamError(.timeout, "The server did not answer."), wasSent: false, server: "github"),
                "github did not answer. Try again in a minute, `doorward status` shows how it does."
            ),
            (
                .failed(
                    UpstreamError(.refusedAddress, "The server's address is private."),
                    wasSent: false,
                    server: "github"
                ),
                "github's address is private. An administrator can register another address for it."
            ),
            (
                .bare(405, .stream, server: "github"),
                "github opens no stream of its own for you: its answers come with each request all the same."
            ),
            (
                .bare(502, .delete, server: "github"),
                "github does not answer as it should: try again in a minute, `doorward status` shows how it does."
            ),
            (
                .closed(.notEnrolled),
                "This machine is not enrolled with a coordinator: run `doorward login URL --token-file FILE`."
            ),
        ]
    )
    func words(refusal: Refusal, words: String) {
        #expect(refusal.words(record: Self.record) == words)
    }

    private func decision(_ tool: String) throws -> Decision {
        let policy = try Policies.policy(
            [["server": "github", "tools": ["get_*"]]],
            forbid: [["tools": ["delete_*"], "because": "deletions go through review"]]
        )
        return Array(tool.utf8).withUnsafeBufferPointer {
            policy.decide(client: "c", server: "github", ask: .tool($0))
        }
    }

    @Test("A denial names the tool and says how to see why")
    func denials() throws {
        let noGrant = Refusal.denied(try decision("put_it")).about("github", .tool("put_it"))
        #expect(
            noGrant.words()
                == "The policy does not grant you `put_it` at github. `doorward explain github put_it` says why, and an "
                + "administrator can change it."
        )
        let forbidden = Refusal.denied(try decision("delete_it")).about("github", .tool("delete_it"))
        #expect(forbidden.words().hasPrefix("The policy forbids `delete_it` at github: deletions go through review. "))
        let hashed = Refusal.denied(try decision("put it")).about("github", .tool(RecordName.hash(of: "put it")))
        #expect(hashed.words().hasPrefix("The policy does not grant you this at github. "))
    }

    @Test("A denial always says its rules, also where there are none")
    func rules() throws {
        func data(_ refusal: Refusal) throws -> JSONValue? {
            try JSONValue(parsing: refusal.body(id: nil, record: nil))["error"]?["data"]
        }
        #expect(try data(.denied(try decision("put_it")))?["rules"] == [])
        #expect(try data(.denied(try decision("delete_it")))?["rules"] == ["forbid/0"])
        #expect(try data(.unknownServer)?["rules"] == [])
        #expect(try data(.credential(.needsSignIn, server: "a"))?["rules"] == nil)
        #expect(try data(.credential(.needsSignIn, server: "a"))?.object?["url"] == .null)
    }

    @Test(
        "A limit in the words of people",
        arguments: [
            (["per": "user", "rate": "60/min"], "At most 60 calls a minute"),
            (["per": "client", "rate": "1/s"], "At most 1 call a second of this client"),
            (["per": "user", "rate": "5/h", "concurrent": 2], "At most 5 calls an hour, and 2 at a time"),
            (["per": "user", "concurrent": 4], "At most 4 calls at a time"),
        ] as [(JSONValue, String)]
    )
    func limits(json: JSONValue, words: String) throws {
        #expect(try LimitRule(json, name: "limits/0", at: "limits/0").words == words)
    }

    @Test(
        "A wait is told in both of its forms, and never for more than a day",
        arguments: [
            ("0", 0), ("60", 60_000), ("99999999999999999999", 86_400_000), ("-1", nil), ("1.5", nil), ("", nil),
            ("Thu, 01 Jan 1970 00:01:40 GMT", 90_000), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thursday, 01-Jan-70 00:01:40 GMT", nil), ("Thu, 01 Foo 1970 00:01:40 GMT", nil),
        ] as [(String, Int?)]
    )
    func retryAfter(value: String, milliseconds: Int?) {
        let found = Array(value.utf8).withUnsafeBufferPointer { RetryAfter.milliseconds($0, now: 10_000_000) }
        #expect(found == milliseconds)
    }
}
