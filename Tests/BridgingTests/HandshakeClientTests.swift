import MCP
import StrictJSON
import Testing
import Wire

@testable import Bridging

@Suite("Clients of the handshake era at a modern server")
struct HandshakeClientTests {
    private let rig = Rig(.modern)

    private func call(_ id: Int, _ session: String, _ params: String = #"{"name":"t"}"#) -> Answer {
        rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":\#(params)}"#,
            rpc: .toolsCall,
            session: session
        )
    }

    private static let asking =
        #"{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"m","#
        + #""requestedSchema":{"type":"object","properties":{}}}}},"requestState":"st"}"#

    @Test("initialize begins a session out of server/discover")
    func initialize() {
        let answer = rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{}}}"#,
            rpc: .initialize
        )
        rig.link.answer("server/discover", Rig.discovery)
        #expect(answer.status == 200)
        #expect(answer.session?.utf8.count == 32)
        #expect(answer.hasEnded)
        #expect(answer.messages.first?["id"]?.text == "a")
        #expect(answer.messages.first?["result"]?["protocolVersion"]?.text == "2025-06-18")
        // The agent's own id, and what the client says of itself.
        let sent = rig.link.last("server/discover")?["params"]?["_meta"]
        #expect(sent?["io.modelcontextprotocol/protocolVersion"]?.text == "2026-07-28")
        #expect(sent?["io.modelcontextprotocol/clientCapabilities"] == [:])
    }

    @Test("A session that is not known, or another client's, is 404")
    func unknownSession() {
        let session = rig.begin()
        #expect(rig.handshake(.get, session: "other").status == 404)
        #expect(rig.handshake(.get, session: session, client: "d").status == 404)
        #expect(rig.handshake(.delete, session: session).status == 200)
        #expect(call(2, session).status == 404)
        #expect(rig.handshake(.get).status == 400)
    }

    @Test("Two clients' sessions have ids of their own, and each message the envelope of its session")
    func sessions() {
        let first = rig.begin(#"{"sampling":{}}"#)
        let second = rig.begin()
        #expect(first != second)
        _ = call(2, first)
        #expect(
            rig.link.last("tools/call")?["params"]?["_meta"]?["io.modelcontextprotocol/clientCapabilities"] == [
                "sampling": [:]
            ]
        )
        _ = call(2, second)
        #expect(rig.link.last("tools/call")?["params"]?["_meta"]?["io.modelcontextprotocol/clientCapabilities"] == [:])
    }

    @Test("A result that asks becomes a request on the stream; its answer goes back with the state")
    func rounds() {
        let session = rig.begin(#"{"elicitation":{}}"#)
        let answer = call(2, session)
        rig.link.answer("tools/call", Self.asking)
        #expect(answer.isStream)
        let question = answer.messages.first
        #expect(question?["method"]?.text == "elicitation/create")
        let id = question?["id"]?.json ?? ""
        let told = rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":\#(id),"result":{"action":"accept","content":{}}}"#,
            session: session
        )
        #expect(told.status == 202)
        let retry = rig.link.last("tools/call")?["params"]
        #expect(retry?["requestState"]?.text == "st")
        #expect(retry?["inputResponses"] == ["k": ["action": "accept", "content": [:]]])
        rig.link.answer("tools/call", #"{"resultType":"complete","content":[]}"#)
        #expect(answer.messages.last == ["jsonrpc": "2.0", "id": 2, "result": ["content": []]])
        #expect(answer.hasEnded)
    }

    @Test("A client that cannot be asked gets a result that its model sees, and the server hears nothing")
    func cannotBeAsked() {
        let session = rig.begin()
        let answer = call(2, session)
        rig.link.answer("tools/call", Self.asking)
        #expect(answer.messages.first?["result"]?["isError"]?.bool == true)
        #expect(rig.link.sent.filter { $0["method"]?.text == "tools/call" }.count == 1)
    }

    @Test("An error in answer to a question is a cancellation for elicitation, and ends the call for roots")
    func refusals() {
        let session = rig.begin(#"{"elicitation":{},"roots":{}}"#)
        let answer = call(2, session)
        rig.link.answer("tools/call", Self.asking)
        func refuse(_ question: JSONValue?) {
            let id = question?["id"]?.json ?? ""
            rig.handshake(
                .post,
                #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32601,"message":"no"}}"#,
                session: session
            )
        }
        refuse(answer.messages.first)
        #expect(rig.link.last("tools/call")?["params"]?["inputResponses"] == ["k": ["action": "cancel"]])
        rig.link.answer(
            "tools/call",
            #"{"resultType":"input_required","inputRequests":{"r":{"method":"roots/list","params":{}}}}"#
        )
        refuse(answer.messages.last)
        #expect(answer.messages.last?["result"]?["isError"]?.bool == true)
    }

    @Test("A server that asks without end is not asked without end")
    func endless() {
        let session = rig.begin()
        let answer = call(2, session)
        for _ in 0..<40 { rig.link.answer("tools/call", #"{"resultType":"input_required","requestState":"again"}"#) }
        #expect(answer.messages.last?["result"]?["isError"]?.bool == true)
        #expect(rig.link.sent.filter { $0["method"]?.text == "tools/call" }.count == 16)
    }

    @Test("ping is answered here, the level of the log is told with each request, and progress has the client's token")
    func small() {
        let session = rig.begin()
        let ping = rig.handshake(.post, #"{"jsonrpc":"2.0","id":5,"method":"ping"}"#, rpc: .ping, session: session)
        #expect(ping.messages == [["jsonrpc": "2.0", "id": 5, "result": [:]]])
        rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":6,"method":"logging/setLevel","params":{"level":"debug"}}"#,
            rpc: .loggingSetLevel,
            session: session
        )
        let answer = call(7, session, #"{"name":"t","_meta":{"progressToken":"mine"}}"#)
        let meta = rig.link.last("tools/call")?["params"]?["_meta"]
        #expect(meta?["io.modelcontextprotocol/logLevel"]?.text == "debug")
        let token = meta?["progressToken"]?.json ?? ""
        #expect(token != #""mine""#)
        rig.link.say(
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(token),"progress":1}}"#
        )
        #expect(answer.messages.first?["params"]?["progressToken"]?.text == "mine")
    }

    @Test("What changes comes on the client's stream; subscriptions become one that listens for all of them")
    func subscriptions() {
        let session = rig.begin()
        let stream = rig.handshake(.get, session: session)
        #expect(rig.link.last("subscriptions/listen")?["params"]?["notifications"] == ["toolsListChanged": true])
        rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"a:b"}}"#,
            rpc: .resourcesSubscribe,
            session: session
        )
        let listen = rig.link.last("subscriptions/listen")
        #expect(listen?["params"]?["notifications"]?["resourceSubscriptions"] == ["a:b"])
        let id = listen?["id"]?.json ?? ""
        let meta = #""_meta":{"io.modelcontextprotocol/subscriptionId":\#(id)}"#
        rig.link.say(
            #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{\#(meta),"notifications":{}}}"#
        )
        rig.link.say(#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b",\#(meta)}}"#)
        #expect(
            stream.messages == [
                ["jsonrpc": "2.0", "method": "notifications/resources/updated", "params": ["uri": "a:b"]]
            ]
        )
        // The first stream was closed once the second had been taken.
        #expect(rig.link.last("notifications/cancelled") != nil)
    }

    @Test("A request that is taken back is taken back at the server")
    func cancellation() {
        let session = rig.begin()
        let answer = call(2, session)
        let id = rig.link.last("tools/call")?["id"]
        rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#,
            session: session
        )
        #expect(rig.link.last("notifications/cancelled")?["params"]?["requestId"] == id)
        #expect(answer.failure != nil)
    }

    @Test("Tasks have no counterpart, and an error says so")
    func tasks() {
        let session = rig.begin()
        let answer = rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":2,"method":"tasks/get","params":{"taskId":"x"}}"#,
            rpc: .tasksGet,
            session: session
        )
        #expect(answer.messages.first?["error"]?["code"]?.int == -32601)
        #expect(answer.status == 200)
    }
}
