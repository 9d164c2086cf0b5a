import MCP
import NIOCore
import NIOEmbedded
import StrictJSON
import Testing
import Upstreams

@testable import Bridging

@Suite("Modern clients at a server of the handshake era")
struct ModernClientTests {
    private let rig = Rig(.handshake)
    private static let forms = #"{"elicitation":{"form":{}}}"#

    private func greet(
        _ capabilities: String = #"{"tools":{"listChanged":true},"logging":{},"resources":{"subscribe":true}}"#
    ) {
        rig.link.answer(
            "initialize",
            #"{"protocolVersion":"2025-11-25","capabilities":\#(capabilities),"serverInfo":{"name":"s","version":"1"}}"#
        )
    }

    /// A call whose server asks something, up to the result that asks the client.
    private func asked(_ params: String = #""name":"t","arguments":{"a":1},"#) -> (Answer, state: String) {
        let (answer, _) = rig.modern(.toolsCall, params, capabilities: Self.forms)
        if rig.link.last("tools/call") == nil { greet() }
        rig.link.say(
            #"{"jsonrpc":"2.0","id":"e1","method":"elicitation/create","params":{"message":"m","requestedSchema":{}}}"#
        )
        rig.pass(.milliseconds(50))
        return (answer, answer.messages.last?["result"]?["requestState"]?.text ?? "")
    }

    private func retry(_ state: String, _ params: String = #""name":"t","arguments":{"a":1},"#, client: JSONText = "c")
        -> Answer
    {
        rig.modern(
            .toolsCall,
            params + #""inputResponses":{"q1":{"action":"accept","content":{}}},"requestState":"\#(state)","#,
            id: "2",
            capabilities: Self.forms,
            client: client
        ).answer
    }

    @Test("server/discover is answered out of initialize, and one session serves all requests of a client")
    func discover() {
        let (answer, _) = rig.modern(.serverDiscover)
        greet()
        #expect(answer.messages.first?["result"]?["supportedVersions"] == ["2026-07-28"])
        let (call, _) = rig.modern(.toolsCall, #""name":"t","#)
        #expect(rig.link.sent.filter { $0["method"]?.text == "initialize" }.count == 1)
        // Nothing of the modern envelope reaches the server.
        #expect(rig.link.last("tools/call")?["params"] == ["name": "t"])
        rig.link.answer("tools/call", #"{"content":[]}"#)
        #expect(call.messages.first?["result"]?["resultType"]?.text == "complete")
        #expect(call.messages.first?["id"]?.int == 1)
        #expect(!call.isStream)
        _ = rig.modern(.toolsCall, #""name":"t","#, client: "d")
        #expect(rig.source.links.count == 2)
        #expect(Set(rig.source.links.map(\.key.client)) == ["c", "d"])
    }

    @Test("A question becomes a result that asks; the client comes back with the answer, and the call goes on")
    func suspension() {
        let (first, state) = asked()
        #expect(first.hasEnded)
        #expect(first.messages.last?["result"]?["resultType"]?.text == "input_required")
        #expect(first.messages.last?["result"]?["inputRequests"]?["q1"]?["method"]?.text == "elicitation/create")
        let second = retry(state)
        #expect(rig.link.sent.contains { $0["id"]?.text == "e1" && $0["result"]?["action"]?.text == "accept" })
        #expect(rig.link.sent.filter { $0["method"]?.text == "tools/call" }.count == 1)
        rig.link.answer("tools/call", #"{"content":[]}"#)
        #expect(second.messages.last?["id"]?.int == 2)
        #expect(second.messages.last?["result"]?["resultType"]?.text == "complete")
    }

    @Test("A state is good once, for its client and its arguments, and nothing else opens it")
    func stolenState() {
        let (_, state) = asked()
        let attempts = [
            retry(state, client: "d"), retry(state, #""name":"t","arguments":{"a":2},"#), retry("AAAA"), retry(""),
        ]
        rig.turn()
        for attempt in attempts { #expect(attempt.messages.first?["error"]?["code"]?.int == -32602) }
        #expect(!rig.link.sent.contains { $0["id"]?.text == "e1" })
        _ = retry(state)
        #expect(rig.link.sent.filter { $0["id"]?.text == "e1" }.count == 1)
        let again = retry(state)
        rig.turn()
        #expect(again.messages.first?["error"]?["code"]?.int == -32602)
    }

    @Test("A client that does not come back is a cancellation for the server")
    func expiry() {
        let (_, state) = asked()
        rig.pass(.minutes(10))
        #expect(rig.link.sent.contains { $0["id"]?.text == "e1" && $0["result"]?["action"]?.text == "cancel" })
        #expect(rig.link.last("notifications/cancelled") != nil)
        let late = retry(state)
        rig.turn()
        #expect(late.messages.first?["error"] != nil)
    }

    @Test("Of one client only so many calls wait; the oldest ends")
    func tooMany() {
        for number in 0..<65 {
            let (answer, _) = rig.modern(
                .toolsCall,
                #""name":"t","arguments":{"n":\#(number)},"#,
                capabilities: Self.forms
            )
            if number == 0 { greet() }
            rig.link.say(
                #"{"jsonrpc":"2.0","id":"e\#(number)","method":"elicitation/create","params":{"message":"m"}}"#
            )
            rig.pass(.milliseconds(50))
            #expect(answer.messages.last?["result"]?["resultType"]?.text == "input_required")
        }
        #expect(rig.bridge.suspensions.count == 64)
        #expect(rig.link.sent.contains { $0["id"]?.text == "e0" && $0["result"]?["action"]?.text == "cancel" })
    }

    @Test("What the client cannot be asked, or where no result may ask, is refused to the server")
    func refused() {
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","#)
        greet()
        rig.link.say(#"{"jsonrpc":"2.0","id":"e1","method":"elicitation/create","params":{}}"#)
        rig.pass(.milliseconds(50))
        #expect(rig.link.sent.last?["error"]?["code"]?.int == -32601)
        #expect(answer.status == nil)
        rig.link.answer("tools/call", #"{"content":[]}"#)
        _ = rig.modern(.promptsList, capabilities: Self.forms)
        rig.link.say(#"{"jsonrpc":"2.0","id":"e2","method":"elicitation/create","params":{}}"#)
        #expect(rig.link.sent.last?["id"]?.text == "e2")
        #expect(rig.link.sent.last?["error"] != nil)
    }

    @Test("What a policy does not let the server ask ends the call at once, for the server too")
    func forbidden() {
        let both = #"{"elicitation":{"form":{}},"sampling":{}}"#
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","#, capabilities: both) { $0 == .elicitation }
        greet()
        rig.link.say(#"{"jsonrpc":"2.0","id":"e1","method":"elicitation/create","params":{"message":"m"}}"#)
        rig.link.say(#"{"jsonrpc":"2.0","id":"e2","method":"sampling/createMessage","params":{"messages":[]}}"#)
        // The question that may not be asked is all that the code sees which judges results.
        #expect(answer.hasEnded)
        let asked = answer.messages.last?["result"]?["inputRequests"]?.object
        #expect(asked?.count == 1 && asked?["q2"]?["method"]?.text == "sampling/createMessage")
        for id in ["e1", "e2"] {
            #expect(rig.link.sent.contains { $0["id"]?.text == id && $0["error"]?["code"]?.int == -32601 })
        }
        #expect(rig.link.last("notifications/cancelled") != nil)
        #expect(rig.bridge.suspensions.count == 0)
        let late = retry(answer.messages.last?["result"]?["requestState"]?.text ?? "", #""name":"t","#)
        rig.turn()
        #expect(late.messages.first?["error"]?["code"]?.int == -32602)
        #expect(rig.link.sent.filter { $0["method"]?.text == "tools/call" }.count == 1)
    }

    @Test("What a policy does not let the server ask ends a call too that waits for its client")
    func forbiddenLater() {
        let both = #"{"elicitation":{"form":{}},"sampling":{}}"#
        let (first, _) = rig.modern(.toolsCall, #""name":"t","#, capabilities: both) { $0 == .elicitation }
        greet()
        rig.link.say(#"{"jsonrpc":"2.0","id":"e1","method":"elicitation/create","params":{"message":"m"}}"#)
        rig.pass(.milliseconds(50))
        let state = first.messages.last?["result"]?["requestState"]?.text ?? ""
        rig.link.say(#"{"jsonrpc":"2.0","id":"e2","method":"sampling/createMessage","params":{"messages":[]}}"#)
        #expect(rig.link.last("notifications/cancelled") != nil)
        let second = retry(state, #""name":"t","#)
        rig.turn()
        #expect(second.messages.last?["result"]?["inputRequests"]?["q2"] != nil)
        #expect(rig.bridge.suspensions.count == 0)
    }

    @Test("-32042 becomes a question; once the address was opened the call is made again")
    func urlRequired() {
        let urls = #"{"elicitation":{"url":{}}}"#
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","#, capabilities: urls)
        greet()
        let id = rig.link.last("tools/call")?["id"]?.json ?? ""
        rig.link.say(
            #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","#
                + #""elicitationId":"x","url":"https://a.example","message":"m"}]}}}"#
        )
        let result = answer.messages.last?["result"]
        #expect(result?["inputRequests"]?["url-1"]?["params"]?["elicitationId"] == nil)
        let state = result?["requestState"]?.text ?? ""
        func answered(_ action: String) -> Answer {
            let answers = #""inputResponses":{"url-1":{"action":"\#(action)"}},"requestState":"\#(state)","#
            return rig.modern(.toolsCall, #""name":"t","# + answers, capabilities: urls).answer
        }
        let declined = answered("decline")
        rig.turn()
        #expect(declined.messages.first?["error"] != nil)
        _ = answered("accept")
        #expect(rig.link.sent.filter { $0["method"]?.text == "tools/call" }.count == 2)
    }

    @Test("The log reaches those who asked for it, from their level on")
    func logs() {
        let level = #","io.modelcontextprotocol/logLevel":"warning""#
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","#, meta: level)
        greet()
        #expect(rig.link.last("logging/setLevel")?["params"]?["level"]?.text == "warning")
        rig.link.answer("logging/setLevel", "{}")
        for level in ["debug", "warning", "error"] {
            rig.link.say(#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"\#(level)","data":1}}"#)
        }
        #expect(answer.messages.map { $0["params"]?["level"]?.text } == ["warning", "error"])
        let (quiet, _) = rig.modern(.toolsCall, #""name":"t","#)
        rig.link.say(#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":1}}"#)
        #expect(quiet.status == nil)
    }

    @Test("A subscription hears what it asked for and the server offers, under its own id")
    func listen() {
        let filter =
            #""notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["a:b"]},"#
        let (answer, exchange) = rig.modern(.subscriptionsListen, filter, id: #""sub""#)
        greet()
        rig.link.answer("resources/subscribe", "{}")
        #expect(answer.messages.first?["method"]?.text == "notifications/subscriptions/acknowledged")
        #expect(
            answer.messages.first?["params"]?["notifications"]
                == ["toolsListChanged": true, "resourceSubscriptions": ["a:b"]]
        )
        for message in [
            #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
            #"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#,
            #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:c"}}"#,
        ] { rig.link.say(message) }
        #expect(
            answer.messages.dropFirst().map { $0["method"]?.text } == [
                "notifications/tools/list_changed", "notifications/resources/updated",
            ]
        )
        for message in answer.messages {
            #expect(message["params"]?["_meta"]?["io.modelcontextprotocol/subscriptionId"]?.text == "sub")
        }
        exchange.cancel()
        #expect(rig.link.last("resources/unsubscribe")?["params"]?["uri"]?.text == "a:b")
    }

    @Test("A client that closes its stream takes its request back")
    func closes() {
        let (_, exchange) = rig.modern(.toolsCall, #""name":"t","#)
        greet()
        let id = rig.link.last("tools/call")?["id"]
        exchange.cancel()
        #expect(rig.link.last("notifications/cancelled")?["params"]?["requestId"] == id)
    }

    @Test("A server that ends takes its calls and subscriptions with it, and is begun again")
    func ends() {
        let (listen, _) = rig.modern(.subscriptionsListen, #""notifications":{"toolsListChanged":true},"#)
        greet()
        let (call, _) = rig.modern(.toolsCall, #""name":"t","#)
        rig.link.end(.afterSending(UpstreamError(.closed, "It is gone.")))
        #expect(call.failure != nil)
        #expect(listen.hasEnded)
        #expect(listen.messages.last?["result"]?["resultType"]?.text == "complete")
        _ = rig.modern(.toolsCall, #""name":"t","#)
        #expect(rig.source.links.count == 2)
    }

    @Test("Headers that do not say what the arguments say are refused, once the tool is known")
    func headers() {
        let (_, _) = rig.modern(.toolsList)
        greet()
        rig.link.answer(
            "tools/list",
            #"{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"R"}}}}]}"#
        )
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","arguments":{"r":"x"},"#)
        #expect(answer.status == 400)
        #expect(answer.messages.first?["error"]?["code"]?.int == -32020)
    }
}
