import MCP
import StrictJSON
import Testing

@testable import Forwarding

@Suite("Names at the endpoint of all servers")
struct ExposedNameTests {
    private func names(_ names: JSONText..., of alias: JSONText = "fs") -> [String?] {
        ExposedName.names(for: names, of: alias).map { $0?.string }
    }

    @Test("A name is its alias, two lines and itself, as long as it is not too long")
    func plain() {
        #expect(names("read", "read_file", "x-y") == ["fs__read", "fs__read_file", "fs__x-y"])
        let long = JSONText(String(repeating: "n", count: 44))
        #expect(names(long) == ["fs__" + String(repeating: "n", count: 44)])
    }

    @Test("A longer one is its first 39 characters and the hash of the whole, the same at all times")
    func long() {
        // printf 'github__create_pull_request_review_comment_for_a_line' | sha256sum
        let name = ExposedName.names(
            for: ["create_pull_request_review_comment_for_a_line"],
            of: "github"
        )[0]
        #expect(name == "github__create_pull_request_review_comm_0a69a161")
        let others = ExposedName.names(
            for: ["a", "create_pull_request_review_comment_for_a_line", "b"],
            of: "github"
        )
        #expect(others[1] == name)
    }

    @Test("Characters that some clients do not take become one line each; a name that is itself keeps it")
    func characters() {
        #expect(names("get.issue", "naïve tool", "ein/aus") == ["fs__get_issue", "fs__na_ve_tool", "fs__ein_aus"])
        let both = names("a.b", "a_b", "a/b")
        #expect(both[1] == "fs__a_b")
        #expect(both[0] != both[2])
        for name in [both[0], both[2]] {
            #expect(name?.hasPrefix("fs__a_b_") ?? false)
            #expect(name?.count == "fs__a_b_".count + 8)
        }
        // The order of the list, and what else is in it, change nothing.
        #expect(names("a/b", "x", "a.b") == [both[2], "fs__x", both[0]])
        #expect(names("") == ["fs__"])
    }

    @Test("No server takes a name of another: not by its own names, and not by the helper's")
    func foreign() {
        let mine = Set(names("b__c", "_b", "__sign_in", "\u{2028}", "sign_in", of: "a").compactMap { $0 })
        let theirs = Set(names("c", "b", "sign_in", of: "b").compactMap { $0 })
        #expect(mine.isDisjoint(with: theirs))
        for name in mine { #expect(ExposedName.parts(of: Array(name.utf8))?.alias == "a") }
        #expect(mine.contains("a__sign_in"))
    }

    @Test("Of a name that occurs twice there is one")
    func twice() {
        #expect(names("a", "a") == ["fs__a", nil])
        let long = JSONText(String(repeating: "n", count: 60))
        let both = names(long, long)
        #expect(both[0] != nil && both[1] == nil)
        // A server that knows the hash of another of its tools hides one of the two, and shows none twice.
        let taken = JSONText(String(both[0]!.dropFirst(4)))
        let forged = names(long, taken)
        #expect(Set(forged.compactMap { $0 }).count == forged.compactMap { $0 }.count)
    }

    @Test("URIs and ids say whose they are, and are given back as they were")
    func whose() {
        for uri in ["file:///a/../b", "ui://x", "doorward+b:x", "urn:a:b", "repo://{owner}/{name}"] as [JSONText] {
            let exposed = ExposedURI.expose(uri, of: "a-1")
            #expect(ExposedURI.parts(of: exposed)?.alias == "a-1")
            #expect(ExposedURI.parts(of: exposed)?.uri == uri)
        }
        for uri in ["file:///a", "doorward+", "doorward+a", "doorward+a:", "doorward+:x", ""] as [JSONText] {
            #expect(ExposedURI.parts(of: uri) == nil)
        }
        for id in ["1", "\"x/y\"", "-7"] {
            let exposed = ExposedID.expose(Array(id.utf8), of: "a-1")
            #expect(ExposedID.parts(of: exposed)?.alias == "a-1")
            #expect(ExposedID.parts(of: exposed)?.id == Array(id.utf8))
        }
        #expect(ExposedID.parts(of: "1") == nil)
        #expect(ExposedID.parts(of: "/1") == nil)
    }

    @Test("What a server says has the URIs of this endpoint wherever a resource is named, and nowhere else")
    func messages() throws {
        let exposed = ExposedMessage(alias: "a")
        func response(_ result: String) throws -> String? {
            let text = #"{"jsonrpc":"2.0","id":1,"result":\#(result)}"#
            return Array(text.utf8).withUnsafeBufferPointer { exposed.response($0) }
                .map { String(decoding: $0.dropFirst(33).dropLast(), as: UTF8.self) }
        }
        #expect(try response(#"{"content":[{"type":"text","text":"see file:///x"}]}"#) == nil)
        #expect(
            try response(
                #"{"content":[{"type":"resource_link","uri":"file:///x","name":"x"}],"structuredContent":{"uri":"file:///x"}}"#
            )
                == #"{"content":[{"type":"resource_link","uri":"doorward+a:file:///x","name":"x"}],"structuredContent":{"uri":"file:///x"}}"#
        )
        #expect(
            try response(
                #"{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"u:1","text":"uri"}}}]}"#
            )
                == #"{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"doorward+a:u:1","text":"uri"}}}]}"#
        )
        #expect(
            try response(#"{"contents":[{"uri":"u:1","text":"x"}]}"#)
                == #"{"contents":[{"uri":"doorward+a:u:1","text":"x"}]}"#
        )
        #expect(
            try response(
                #"{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"Sure?"}}}}"#
            )?
            .contains(#""message":"a: Sure?""#) ?? false
        )
        func message(_ text: String) throws -> String? {
            let bytes = Array(text.utf8)
            return try bytes.withUnsafeBufferPointer { bytes in
                exposed.message(try Envelope.scan(ofServer: bytes), bytes)
            }
            .map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(
            try message(#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"u:1"}}"#)
                == #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"doorward+a:u:1"}}"#
        )
        #expect(
            try message(
                #"{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","_meta":{"progressToken":"t"}}}"#
            )
                == #"{"jsonrpc":"2.0","id":"a/7","method":"elicitation/create","params":{"message":"a: ?","_meta":{"progressToken":"a/\"t\""}}}"#
        )
        #expect(
            try message(
                #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
            ) == nil
        )
    }
}

extension ExposedName {
    static func parts(of name: [UInt8]) -> (alias: JSONText, rest: JSONText)? { name.withUnsafeBufferPointer(parts) }
}
