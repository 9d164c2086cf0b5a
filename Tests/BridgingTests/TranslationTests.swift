import MCP
import StrictJSON
import Testing

@testable import Bridging

@Suite("Translation between the eras")
struct TranslationTests {
    private func object(_ json: String) -> RawObject { RawObject(Array(json.utf8)) ?? RawObject() }
    private func json(_ object: RawObject) -> JSONValue? { try? JSONValue(parsing: object.bytes) }
    private func json(_ bytes: [UInt8]?) -> JSONValue? { bytes.flatMap { try? JSONValue(parsing: $0) } }
    private func parsed(_ text: String) -> JSONValue? { json(Array(text.utf8)) }

    @Test("What is not read passes byte by byte, numbers and half pairs included")
    func rawMembers() {
        var object = object(#"{"a":1.00,"b":"\ud83d","c":1e400,"a":2.50}"#)
        #expect(object["a"] == Array("2.50".utf8))
        object.set("d", true)
        object["b"] = nil
        #expect(String(decoding: object.bytes, as: UTF8.self) == #"{"a":2.50,"c":1e400,"d":true}"#)
        #expect(RawObject(Array("[1]".utf8)) == nil)
    }

    // MARK: The beginning

    @Test("initialize is answered from server/discover, in the client's revision, without what cannot be carried")
    func initializeResult() {
        let discovered = object(
            #"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"#
                + #""extensions":{"x/y":{}},"resources":{"subscribe":true}},"instructions":"Hi","ttlMs":5,"#
                + #""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}"#
        )
        let result = Openings.initializeResult(discovered, revision: "2025-06-18", alias: "up")
        #expect(
            json(result)
                == parsed(
                    #"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"#
                        + #""resources":{"subscribe":true}},"serverInfo":{"name":"s","version":"1"},"instructions":"Hi"}"#
                )
        )
    }

    @Test(
        "A revision that the agent knows is agreed on, of others the newest",
        arguments: [
            ("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("2099-01-01", "2025-11-25"),
            ("2026-07-28", "2025-11-25"), ("", "2025-11-25"),
        ]
    )
    func agreement(asked: JSONText, agreed: String) {
        #expect(Openings.agreed(on: asked) == agreed)
    }

    @Test("server/discover is answered from initialize, for this client alone and for no time")
    func discoverResult() {
        let greeting = object(
            #"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{}},"serverInfo":{"name":"s"}}"#
        )
        #expect(
            json(Openings.discoverResult(greeting))
                == parsed(
                    #"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"#
                        + #""ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}"#
                )
        )
    }

    @Test(
        "A modern server hears of the abilities that the client's revision has",
        arguments: [
            ("2025-03-26", #"{"sampling":{},"roots":{}}"#),
            ("2025-06-18", #"{"sampling":{},"roots":{},"elicitation":{"form":{}}}"#),
            ("2025-11-25", #"{"sampling":{},"roots":{},"elicitation":{"form":{},"url":{}}}"#),
        ]
    )
    func clientCapabilities(revision: String, told: String) {
        let declared = object(
            #"{"sampling":{"x":1},"roots":{"listChanged":true},"elicitation":{"form":{},"url":{}},"extensions":{"a/b":{}}}"#
        )
        #expect(json(Capabilities.ofHandshakeClient(declared, revision: revision)) == parsed(told))
    }

    @Test("Each modern request says what the client said once, under the progress token of this hop")
    func envelope() {
        let params = object(#"{"capabilities":{"sampling":{}},"clientInfo":{"name":"c","version":"2"}}"#)
        var facts = ModernClientFacts(initialize: params, revision: "2025-11-25")
        facts.logLevel = "info"
        let request = object(#"{"name":"t","arguments":{"n":1.0},"_meta":{"progressToken":"mine","traceparent":"x"}}"#)
        #expect(
            json(facts.enveloped(request, progressToken: Array("7".utf8)))
                == parsed(
                    #"{"name":"t","arguments":{"n":1.0},"_meta":{"progressToken":7,"traceparent":"x","#
                        + #""io.modelcontextprotocol/protocolVersion":"2026-07-28","#
                        + #""io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"#
                        + #""io.modelcontextprotocol/clientInfo":{"name":"c","version":"2"},"#
                        + #""io.modelcontextprotocol/logLevel":"info"}}"#
                )
        )
    }

    // MARK: Results

    @Test("A modern result loses what the handshake era has no words for, and structured content becomes an object")
    func resultForHandshake() {
        let result =
            #"{"resultType":"complete","ttlMs":1,"cacheScope":"public","content":[],"structuredContent":[1,2]}"#
        #expect(
            json(Results.forHandshake(Array(result.utf8), of: .toolsCall))
                == parsed(#"{"content":[],"structuredContent":{"result":[1,2]}}"#)
        )
    }

    @Test("A tool whose header annotations may not be is not shown, and an output schema describes an object")
    func toolsForHandshake() {
        let list =
            #"{"resultType":"complete","tools":[{"name":"a","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}},"#
            + #"{"name":"b","inputSchema":{"type":"object","properties":{"x":{"type":"number","x-mcp-header":"X"}}}}]}"#
        #expect(
            json(Results.forHandshake(Array(list.utf8), of: .toolsList))
                == parsed(
                    #"{"tools":[{"name":"a","inputSchema":{"type":"object"},"outputSchema":{"type":"object","#
                        + #""properties":{"result":{"type":"array"}},"required":["result"]}}]}"#
                )
        )
    }

    @Test("A result of the handshake era says that it is complete, and a list that it holds for no time")
    func resultForModern() {
        let info = Array(#"{"name":"s"}"#.utf8)
        #expect(
            json(Results.forModern(Array(#"{"tools":[]}"#.utf8), of: .toolsList, serverInfo: info))
                == parsed(
                    #"{"tools":[],"resultType":"complete","ttlMs":0,"cacheScope":"private","#
                        + #""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}"#
                )
        )
        #expect(
            json(Results.forModern(Array(#"{"content":[]}"#.utf8), of: .toolsCall, serverInfo: nil))
                == parsed(#"{"content":[],"resultType":"complete"}"#)
        )
    }

    @Test("A resource that is not there has the code of the client's era, and codes about this hop are not passed on")
    func errors() {
        func code(_ error: [UInt8]) -> Int? { json(error)?["code"]?.int }
        let missing = Array(#"{"code":-32002,"message":"Resource not found"}"#.utf8)
        #expect(code(Results.errorForModern(missing, code: -32002)) == -32602)
        let modern = Array(#"{"code":-32602,"message":"Resource not found","data":{"uri":"a:b"}}"#.utf8)
        #expect(code(Results.errorForHandshake(modern, code: -32602, of: .resourcesRead)) == -32002)
        #expect(code(Results.errorForHandshake(modern, code: -32602, of: .toolsCall)) == -32602)
        for hop in [-32020, -32021, -32022] {
            let error = Array(#"{"code":\#(hop),"message":"m"}"#.utf8)
            #expect(code(Results.errorForHandshake(error, code: hop, of: .toolsCall)) == -32603)
            #expect(code(Results.errorForModern(error, code: hop)) == -32603)
        }
    }

    // MARK: Questions

    @Test("A result that asks becomes requests, with a name for an address to open")
    func questions() throws {
        let result =
            #"{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"mode":"url","#
            + #""url":"https://a.example","message":"m"}}},"requestState":"s\u0041"}"#
        let asking = try #require(Rounds.read(Array(result.utf8)))
        #expect(asking.questions.map(\.key) == ["k"])
        let params = Rounds.forHandshake(asking.questions[0], id: "e-1")
        #expect(params.text("elicitationId") == "e-1")
        // The state goes back as it came.
        let retry = Rounds.answering(
            object(#"{"name":"t"}"#),
            [("k", Array(#"{"action":"accept"}"#.utf8))],
            state: asking.state
        )
        #expect(
            String(decoding: retry.bytes, as: UTF8.self)
                == #"{"name":"t","inputResponses":{"k":{"action":"accept"}},"requestState":"s\u0041"}"#
        )
    }

    @Test("What asks for nothing that MCP knows is not passed on")
    func strangeQuestions() {
        for result in [
            #"{"inputRequests":{"k":{"method":"files/read","params":{}}}}"#, #"{"inputRequests":{}}"#,
            #"{"inputRequests":{"k":1}}"#,
        ] {
            #expect(Rounds.read(Array(result.utf8)) == nil)
        }
    }

    @Test("-32042 becomes questions about addresses, without what 2026-07-28 has no word for")
    func urlErrors() {
        let error =
            #"{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","elicitationId":"1","url":"https://a","#
            + #""message":"m"},{"mode":"form"}]}}"#
        let questions = Rounds.questions(ofError: Array(error.utf8))
        #expect(questions.count == 1)
        #expect(questions.first?.params["elicitationId"] == nil)
        #expect(questions.first?.params.text("url") == "https://a")
    }
}
