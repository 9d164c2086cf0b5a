import MCP
import StrictJSON
import Testing

@Suite("Lists show what is granted")
struct ListFilterTests {
    private func filter(_ text: String, _ method: MCPMethod = .toolsList, granted: Set<String>) throws -> (String, Int)?
    {
        let outcome = try Array(text.utf8).withUnsafeBufferPointer { bytes in
            try ListFilter.filter(bytes, method: method) { granted.contains(String(decoding: $0, as: UTF8.self)) }
        }
        switch outcome {
        case .unchanged: return nil
        case .filtered(let bytes, let hidden): return (String(decoding: bytes, as: UTF8.self), hidden)
        }
    }

    @Test("Entries that are not granted are cut out, and every other byte stays")
    func cut() throws {
        let reply =
            #"{"jsonrpc":"2.0", "id":1,"result":{"tools": [ {"name":"a","n":1.0} , {"name":"b"},{"name":"\u0063"} ],"x":[1 ]}}"#
        let kept = try #require(try filter(reply, granted: ["a", "c"]))
        #expect(
            kept.0
                == #"{"jsonrpc":"2.0", "id":1,"result":{"tools": [{"name":"a","n":1.0},{"name":"\u0063"}],"x":[1 ]}}"#
        )
        #expect(kept.1 == 1)
        #expect(try filter(reply, granted: ["a", "b", "c"]) == nil)
        #expect(try filter(reply, granted: [])?.0.contains(#""tools": []"#) == true)
    }

    @Test("Entries whose name is not one and the same to everybody are hidden")
    func hidden() throws {
        let entries = [
            #"{"name":1}"#, "{}", "7", #"{"name":"a","Name":"b"}"#, #"{"name":"a\u0000"}"#, #"{"nested":{"name":"a"}}"#,
        ]
        for entry in entries {
            let reply = #"{"jsonrpc":"2.0","id":1,"result":{"tools":[\#(entry)]}}"#
            #expect(
                try filter(reply, granted: ["a", "a\u{0}"])?.0 == #"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#
            )
        }
    }

    @Test("Each kind of list is filtered by what names its entries")
    func kinds() throws {
        let resources =
            #"{"jsonrpc":"2.0","id":1,"result":{"resources":[{"uri":"a:","name":"z"},{"uri":"b:","name":"a:"}]}}"#
        #expect(try filter(resources, .resourcesList, granted: ["a:"])?.1 == 1)
        let templates =
            #"{"jsonrpc":"2.0","id":1,"result":{"resourceTemplates":[{"uriTemplate":"a:{x}"},{"uriTemplate":"b:"}]}}"#
        #expect(try filter(templates, .resourceTemplatesList, granted: ["a:{x}"])?.1 == 1)
        let prompts = #"{"jsonrpc":"2.0","id":1,"result":{"prompts":[{"name":"a"}]}}"#
        #expect(try filter(prompts, .promptsList, granted: [])?.1 == 1)
        #expect(try filter(prompts, .toolsCall, granted: []) == nil)
    }

    @Test("A second list in another case is refused, not shown")
    func variants() {
        #expect(throws: JSONError.self) {
            try filter(#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[{"name":"b"}]}}"#, granted: [])
        }
        #expect(throws: JSONError.self) {
            try filter(#"{"jsonrpc":"2.0","id":1,"result":{},"Result":{"tools":[{"name":"b"}]}}"#, granted: [])
        }
    }
}
