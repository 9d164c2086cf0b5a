import MCP
import StrictJSON
import Testing

@Suite("Messages of servers")
struct ServerMessageTests {
    private func scan(_ text: String) throws -> Envelope {
        try Array(text.utf8).withUnsafeBufferPointer { try Envelope.scan(ofServer: $0) }
    }

    private static let deep = String(repeating: "[", count: 509) + String(repeating: "]", count: 509)
    private static let tooDeep = String(repeating: "[", count: 511) + String(repeating: "]", count: 511)

    @Test(
        "What the gateway does not read does not cost the client the answer",
        arguments: [
            #"{"jsonrpc":"2.0","id":7,"result":{"content":[]},"error":null}"#,
            #"{"jsonrpc":"2.0","id":7,"error":null,"method":null,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":7,"x":{"y":1,"y":2},"result":{}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"text":"cut \ud83d"}]}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"text":"\ude00 cut \ud83d\u0041 \ud83d\\"}]}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"structuredContent":{"a":1,"a":2,"A":3}}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"content":[],"content":[],"Content":[]}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"structuredContent":[NaN,Infinity,-Infinity,-1e999,{"n":NaN}]}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"resultType":null,"isError":null,"inputRequests":null}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"a":{},"b":[],"c":[[],{}],"d":[{"e":[1,2,{"f":null}]}]}}"#,
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"structuredContent\":\(deep)}}",
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"n\":\(String(repeating: "9", count: 2000))}}",
        ]
    )
    func tolerated(text: String) throws {
        let envelope = try scan(text)
        #expect(envelope.kind == .response)
        #expect(envelope.result != nil)
    }

    @Test(
        "What is read here has one reading, and what is no JSON has none",
        arguments: [
            #"{"jsonrpc":"2.0","id":7,"id":8,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{},"result":{}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{},"Result":{}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":""}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":null}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"isError":true,"isError":false}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","resultType":"input_required"}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"inputRequests":{},"InputRequests":{}}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"inputRequests":{"a":{"method":"roots/list","method":"x"}}}}"#,
            #"{"jsonrpc":"2.0","id":7,"error":{"code":-31003,"code":1,"message":""}}"#,
            #"{"jsonrpc":"2.0","id":7,"error":{"code":-31003.0,"message":""}}"#,
            #"{"jsonrpc":"2.0","id":7,"error":{"code":"-31003","message":""}}"#,
            #"{"jsonrpc":"2.0","id":7,"error":{"code":1,"Code":-31003,"message":""}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"a":[1,]}}"#, #"{"jsonrpc":"2.0","id":7,"result":{"a":1,}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"a"}}"#, #"{"jsonrpc":"2.0","id":7,"result":{"a":[1}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"a":Nan}}"#, #"{"jsonrpc":"2.0","id":7,"result":{"a":}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"a":01}}"#, #"{"jsonrpc":"2.0","id":7,"result":{"a":"\ud8"}}"#,
            #"{"jsonrpc":"2.0","id":7,"result":{"a":["#, #"{"jsonrpc":"2.0","id":7,"result":{"a":"\ud83d"#,
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"structuredContent\":\(tooDeep)}}",
        ]
    )
    func refused(text: String) {
        #expect(throws: EnvelopeError.self) { try scan(text) }
    }

    @Test("An error is known by its parts, whatever its data holds")
    func errors() throws {
        let text =
            #"{"jsonrpc":"2.0","id":7,"result":null,"error":{"code":-31003,"message":"\ud83d","data":{"a":1,"a":NaN}}}"#
        let envelope = try scan(text)
        func literal(_ span: JSONSpan?) -> String? {
            span.map { String(decoding: Array(text.utf8)[$0.range], as: UTF8.self) }
        }
        #expect(envelope.kind == .errorResponse)
        #expect(envelope.errorCode == -31003)
        #expect(literal(envelope.errorMessage) == #""\ud83d""#)
        #expect(literal(envelope.errorData) == #"{"a":1,"a":NaN}"#)
    }

    @Test("A client's message is held to one reading in all of it")
    func clients() {
        for value in [#"{"a":1,"a":2}"#, #""\ud83d""#, "1e400", "NaN"] {
            let params = #"{"name":"x","arguments":{"v":\#(value)}}"#
            let text = #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":\#(params)}"#
            #expect(throws: EnvelopeError.self) {
                try Array(text.utf8).withUnsafeBufferPointer { try Envelope.scan($0) }
            }
        }
    }

    @Test("A list is filtered whatever its entries hold, and an entry of two names is hidden")
    func lists() throws {
        let entries = [
            (#"{"name":"a","description":"cut \ud83d","x":{"y":1,"y":2},"n":NaN}"#, true),
            (#"{"name":"a","name":"b"}"#, false), (#"{"name":"a","n\u0061me":"b"}"#, false),
            (#"{"name":"a\ud83d"}"#, false), (#"{"name":"a","Name":"a"}"#, false), (#"{"name":"a"}"#, true),
        ]
        for (entry, isShown) in entries {
            let reply = #"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"z"},\#(entry)],"x":1,"x":2}}"#
            let outcome = try Array(reply.utf8).withUnsafeBufferPointer { bytes in
                try ListFilter.filter(bytes, method: .toolsList) { String(decoding: $0, as: UTF8.self).first != "z" }
            }
            guard case .filtered(let bytes, _) = outcome else {
                Issue.record("nothing was hidden")
                continue
            }
            #expect(String(decoding: bytes, as: UTF8.self).contains(entry) == isShown, "\(entry)")
        }
        #expect(throws: JSONError.self) {
            let reply = #"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[{"name":"b"}]}}"#
            return try Array(reply.utf8).withUnsafeBufferPointer { bytes in
                try ListFilter.filter(bytes, method: .toolsList) { _ in false }
            }
        }
    }

    @Test("For showing, an odd answer becomes a document")
    func shown() throws {
        let text = #"{"a":1,"a":2,"s":"\ud83d!","n":NaN,"big":1e999,"deep":\#(Self.deep)}"#
        let value = try JSONValue(lenientlyParsing: Array(text.utf8))
        #expect(value["a"] == 2)
        #expect(value["s"]?.text == "\u{FFFD}!")
        #expect(value["n"] == .null)
        #expect(value.json.contains(#""big":1e999"#))
    }
}
