import MCP
import StrictJSON
import Testing

/// An envelope together with the bytes in which its places are.
struct Scanned {
    let bytes: [UInt8]
    let envelope: Envelope

    init(_ text: String) throws {
        let bytes = Array(text.utf8)
        self.bytes = bytes
        envelope = try bytes.withUnsafeBufferPointer { try Envelope.scan($0) }
    }

    func literal(_ span: JSONSpan?) -> String? {
        span.map { String(decoding: bytes[$0.range], as: UTF8.self) }
    }

    func text(_ string: JSONStringSpan?) -> String? {
        string.map { string in
            bytes.withUnsafeBufferPointer { String(decoding: string.text(in: $0), as: UTF8.self) }
        }
    }
}

/// What a refused message is answered with.
func refusal(_ text: String) -> (code: JSONRPCErrorCode, id: String?)? {
    do {
        _ = try Scanned(text)
        return nil
    } catch let error as EnvelopeError {
        let bytes = Array(text.utf8)
        return (error.code, error.id.map { String(decoding: bytes[$0.range], as: UTF8.self) })
    } catch {
        return nil
    }
}

@Suite("The envelope of a message")
struct EnvelopeTests {
    @Test("A modern tool call shows everything that a gateway must know of it")
    func modernCall() throws {
        let message = try Scanned(
            #"""
            {"jsonrpc":"2.0","id":"a\u00e9","method":"tools/call","params":{"_meta":{"progressToken":7,
             "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},
             "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
             "arguments":{"name":"x","Name":[1,2]},"name":"get_\u0069ssue"}}
            """#
        )
        let envelope = message.envelope
        #expect(envelope.kind == .request)
        #expect(envelope.method == .toolsCall)
        #expect(envelope.era == .modern)
        #expect(message.literal(envelope.id) == #""a\u00e9""#)
        #expect(envelope.item?.kind == .tool)
        #expect(message.text(envelope.item?.name) == "get_issue")
        #expect(message.literal(envelope.arguments) == #"{"name":"x","Name":[1,2]}"#)
        #expect(message.text(envelope.protocolVersion) == "2026-07-28")
        #expect(message.literal(envelope.progressToken) == "7")
        #expect(message.text(envelope.traceparent)?.hasPrefix("00-0af7") == true)
    }

    @Test("What a call and what a completion has beside its name are two things")
    func arguments() throws {
        for params in [#""arguments":{"a":1},"argument":{"a":2}"#, #""argument":{"a":2},"arguments":{"a":1}"#] {
            let message = try Scanned(
                #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x",\#(params)}}"#
            )
            #expect(message.literal(message.envelope.arguments) == #"{"a":1}"#)
            #expect(message.literal(message.envelope.argument) == #"{"a":2}"#)
        }
    }

    @Test(
        "The item of a request is found wherever its method keeps it",
        arguments: [
            (#""prompts/get","params":{"name":"p"}"#, MCPMethod.ItemKind.prompt, "p"),
            (#""resources/read","params":{"uri":"repo://a"}"#, .resource, "repo://a"),
            (#""resources/subscribe","params":{"uri":"repo://b"}"#, .resource, "repo://b"),
            (#""completion/complete","params":{"ref":{"type":"ref/prompt","name":"q"},"argument":{}}"#, .prompt, "q"),
            (#""completion/complete","params":{"ref":{"type":"ref/resource","uri":"t://{x}"}}"#, .resource, "t://{x}"),
            (#""tasks/get","params":{"taskId":"t1"}"#, .task, "t1"),
        ]
    )
    func items(rest: String, kind: MCPMethod.ItemKind, name: String) throws {
        let message = try Scanned(#"{"jsonrpc":"2.0","id":1,"method":\#(rest)}"#)
        #expect(message.envelope.item?.kind == kind)
        #expect(message.text(message.envelope.item?.name) == name)
    }

    @Test("A request without its item is refused, but for a method that its era does not have: it is refused for that")
    func withoutItem() throws {
        let modern = #""params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
        #expect(refusal(#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe"}"#)?.code == .invalidParams)
        #expect(refusal(#"{"jsonrpc":"2.0","id":1,"method":"resources/read","# + modern)?.code == .invalidParams)
        let removed = try Scanned(#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","# + modern)
        #expect(removed.envelope.item == nil && removed.envelope.era == .modern)
    }

    @Test("Notifications, results and errors are told apart")
    func kinds() throws {
        let cancelled = try Scanned(
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r1","reason":"x"}}"#
        )
        #expect(cancelled.envelope.kind == .notification)
        #expect(cancelled.literal(cancelled.envelope.cancelledID) == #""r1""#)
        let unknown = try Scanned(#"{"jsonrpc":"2.0","method":"notifications/whatever"}"#)
        #expect(unknown.envelope.kind == .notification)
        #expect(unknown.envelope.method == .unknown)
        let result = try Scanned(#"{"jsonrpc":"2.0","id":3,"result":{"content":[],"isError":true}}"#)
        #expect(result.envelope.kind == .response)
        #expect(result.envelope.isToolError)
        let error = try Scanned(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no","data":{}}}"#)
        #expect(error.envelope.kind == .errorResponse)
        #expect(error.envelope.errorCode == -32600)
        #expect(error.envelope.id == nil)
    }

    @Test("What an input_required result asks for is known without a second pass")
    func inputRequired() throws {
        let message = try Scanned(
            #"""
            {"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","requestState":"s","inputRequests":{
             "a":{"method":"elicitation/create","params":{}},"b":{"params":{},"method":"roots/list"}}}}
            """#
        )
        #expect(message.envelope.resultType == .inputRequired)
        #expect(message.envelope.inputRequests == [.elicitation, .roots])
        let odd = try Scanned(#"{"jsonrpc":"2.0","id":3,"result":{"inputRequests":{"a":{"method":"tools/call"}}}}"#)
        #expect(odd.envelope.inputRequests == .other)
    }

    @Test("The resources that a subscription names can each be judged")
    func subscriptions() throws {
        let message = try Scanned(
            #"""
            {"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":
            {"toolsListChanged":true,"resourceSubscriptions":["a:\/\/x","b://y"]}}}
            """#
        )
        let uris = message.bytes.withUnsafeBufferPointer { message.envelope.resourceSubscriptionURIs(in: $0) }
        #expect(uris == ["a://x", "b://y"])
    }

    @Test("Of tasks it is known which are asked for, and whether one is to be made")
    func tasks() throws {
        let listen = try Scanned(
            #"""
            {"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"taskIds":["a","\u0062"]}}}
            """#
        )
        #expect(listen.envelope.subscribesToTasks)
        #expect(listen.bytes.withUnsafeBufferPointer { listen.envelope.subscribedTaskIDs(in: $0) } == ["a", "b"])
        let call = try Scanned(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","task":{"ttl":1}}}"#
        )
        #expect(call.envelope.asksForTask)
        #expect(!call.envelope.subscribesToTasks)
        let news = try Scanned(#"{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"a"}}"#)
        #expect(news.envelope.item?.kind == .task)
    }

    @Test(
        "What is no message is refused with its id, where that can be told",
        arguments: [
            (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600, "1"),
            (#"{"id":1,"method":"ping"}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1e0,"method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1,"result":[]}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","result":{}}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","extra":1,"id":"x","method":"ping"}"#, -32600, #""x""#),
            (#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, -32602, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}"#, -32602, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, -32602, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x\u0000"}}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping\u0000"}"#, -32600, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}"#, -32600, "1"),
            (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, nil),
            (#""ping""#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping"}x"#, -32700, "1"),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#, -32700, "1"),
            (#"{"jsonrpc":"2.0","method":"ping","params":{"a":1,"a":2},"id":"x"}"#, -32600, #""x""#),
            (#"{"jsonrpc":"2.0","params":{"a":"\ud800","id":2},"id":3,"method":"ping"}"#, -32600, "3"),
            (#"{"jsonrpc":"2.0","params":{"a":1e400},"i\u0064":4,"method":"ping"}"#, -32600, "4"),
            (#"{"jsonrpc":"2.0","params":{"a":"}\",{"},"method":"ping","id": -5 ,"method":"ping"}"#, -32600, "-5"),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","id":1}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","i\u0064":2}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"ping","method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":{"id":1},"method":"ping","method":"ping"}"#, -32600, nil),
            (#"{"jsonrpc":"2.0","id":12"#, -32700, nil),
            (#"{"jsonrpc":"2.0","id":1,"method":"pi"#, -32700, "1"),
            (#"{"method":"ping","params":{"id":1}"#, -32700, nil),
            ("{", -32700, nil),
            ("", -32700, nil),
            ("hello", -32700, nil),
        ] as [(String, Int, String?)]
    )
    func refused(text: String, code: Int, id: String?) throws {
        let refused = try #require(refusal(text))
        #expect(refused.code.rawValue == code)
        #expect(refused.id == id)
    }

    @Test(
        "A name that another parser could take for a known one is refused",
        arguments: [
            #"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","ID":2}"#,
            #"{"JsonRPC":"2.0","id":1,"method":"ping"}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","ARGUMENTS":{}}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_Meta":{}}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","tas\u212a":{}}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","tasK":{}}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"ProgressToken":1}}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/ProtocolVersion":""}}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"tools/call"}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\u0061me":"b"}}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1,"x":2}}}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{"isError":false,"iserror":true}}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{"inputRequests":{"a":{"method":"roots/list","Method":"x"}}}}"#,
        ]
    )
    func variants(text: String) {
        #expect(refusal(text)?.code == .invalidRequest)
    }

    @Test("Members that are null where nothing is said are absent")
    func nulls() throws {
        let ping = try Scanned(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#)
        #expect(ping.envelope.params == nil)
        let call = try Scanned(#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":null}}"#)
        #expect(call.text(call.envelope.item?.name) == "a")
        #expect(call.envelope.era == .handshake)
    }

    @Test("A deep value and one of many levels are refused with the id of their request")
    func deep() {
        for depth in [63, 70, 5000] {
            let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let text = #"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a","arguments":\#(value)},"id":9}"#
            #expect(refusal(text)?.id == "9")
        }
    }

    @Test("Every method is found by its name, and nothing else is")
    func methods() {
        for method in MCPMethod.allCases where method != .unknown {
            let found = Array("\(method.name)".utf8).withUnsafeBufferPointer(MCPMethod.init)
            #expect(found == method)
            #expect(!method.eras.isEmpty)
            #expect(!method.senders.isEmpty)
        }
        for name in ["", "tools", "tools/Call", "tools/call ", "Tools/call", "tools/call\u{0}"] {
            #expect(Array(name.utf8).withUnsafeBufferPointer(MCPMethod.init) == .unknown)
        }
    }

    @Test("Ids are the same when their values are, however they are spelled")
    func ids() {
        func id(_ literal: String) -> RequestID? {
            Array(literal.utf8).withUnsafeBufferPointer { RequestID(literal: $0) }
        }
        #expect(id(#""a""#) == id(#""\u0061""#))
        #expect(id("1") != id(#""1""#))
        #expect(id("1.0") == nil)
        #expect(id("null") == nil)
        #expect(id(#""7""#)?.answers(.int(7)) == true)
        #expect(id("7")?.answers(.string("7")) == true)
        #expect(id(#""07""#)?.answers(.int(7)) == false)
        #expect(id("8")?.answers(.int(7)) == false)
    }

    @Test("An error response carries the id as it was written")
    func errors() throws {
        let bytes = GatewayError.encode(
            code: .denied,
            message: "say \"please\"",
            data: ["reason": "no_grant"],
            id: #""a\u0062""#.utf8
        )
        let expected =
            #"{"jsonrpc":"2.0","id":"a\u0062","error":{"code":-31001,"message":"say \"please\"","#
            + #""data":{"reason":"no_grant"}}}"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        let plain = String(decoding: GatewayError.encode(code: .parseError, message: "no"), as: UTF8.self)
        #expect(plain == #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#)
    }
}
