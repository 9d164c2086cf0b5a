import Bytes
import MCP
import StrictJSON
import Testing

@testable import Forwarding

@Suite("Answers of the agent's own")
struct RefusalTests {
    private func data(_ refusal: Refusal, id: String? = "7", record: RandomID? = RandomID(high: 1, low: 2)) throws
        -> JSONValue
    {
        try JSONValue(parsing: refusal.body(id: id.map { Array($0.utf8) }, record: record))
    }

    @Test("The id is as it came, the record and the reason are in the data")
    func shape() throws {
        let json = try data(.closed(.locked), id: "\"se\\u0076en\"")
        #expect(json["id"] == "seven")
        #expect(json["error"]?["code"] == -31003)
        #expect(json["error"]?["data"]?["reason"] == "locked")
        #expect(json["error"]?["data"]?["record"] == "00000000000000010000000000000002")
    }

    @Test("An id that cannot be told is null, and a missing record is left out")
    func without() throws {
        let json = try data(.notRecorded, id: nil, record: nil)
        #expect(json["id"] == .null)
        #expect(json["error"]?["code"] == -31005)
        #expect(json["error"]?["data"]?["record"] == nil)
    }

    @Test("A limit says how long to wait")
    func limit() throws {
        let json = try data(.limited(rule: "limits/0", words: "At most 1 call a second", retryAfterMilliseconds: 1000))
        #expect(json["error"]?["code"] == -31002)
        #expect(json["error"]?["data"]?["retry_after_ms"] == 1000)
    }

    @Test("Who must sign in is told the command")
    func command() throws {
        let json = try data(.credential(.needsSignIn, server: "github"))
        #expect(json["error"]?["code"] == -31003)
        #expect(json["error"]?["data"]?["command"] == "doorward connect github")
    }

    @Test("A server that is down is named, and since when")
    func down() throws {
        let json = try data(.down("timeout", "too slow", server: "github", since: 0))
        #expect(json["error"]?["data"]?["server"] == "github")
        #expect(json["error"]?["data"]?["since"] == "1970-01-01T00:00:00.000000Z")
    }

    @Test("An unknown revision is told which there are")
    func version() throws {
        let json = try data(.version("2099-01-01"))
        #expect(json["error"]?["code"] == -32022)
        #expect(json["error"]?["data"]?["requested"] == "2099-01-01")
        #expect(json["error"]?["data"]?["supported"]?.array?.first == "2026-07-28")
    }

    @Test("An unknown method is 404 in the modern era and 200 before")
    func unknownMethod() {
        #expect(Refusal.unknownMethod(.modern).form == .rpc(status: 404))
        #expect(Refusal.unknownMethod(.handshake).form == .rpc(status: 200))
    }

    @Test(
        "Names stand in records as they are where they can be no sentence",
        arguments: [
            ("get_issue", true), ("a/b.c:d-e", true), ("", false), ("drop table users", false), ("naïve", false),
            (String(repeating: "a", count: 256), true), (String(repeating: "a", count: 257), false),
        ]
    )
    func names(text: String, isPlain: Bool) {
        let name = Array(text.utf8).withUnsafeBufferPointer(CallNames.name)
        #expect((name == JSONText(text)) == isPlain)
        if !isPlain { #expect(name.string.hasPrefix("sha256:")) }
    }
}
