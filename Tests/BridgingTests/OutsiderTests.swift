import MCP
import NIOCore
import StrictJSON
import Testing
import Upstreams
import Wire

@testable import Bridging

@Suite("What a client or a server tries on others over the bridge")
struct OutsiderTests {
    private static let forms = #"{"elicitation":{"form":{}}}"#
    private static let begun =
        #"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"s","version":"1"}}"#

    private func text(_ count: Int) -> String { String(repeating: "x", count: count) }

    // MARK: Clients at a handshake server

    @Test(
        "A request state that no seal is opens nothing, whatever it is",
        arguments: ["7", "null", "{}", "[]", "true", #""""#, #""AAAA""#, #""\u0000""#]
    )
    func forged(state: String) {
        let rig = Rig(.handshake)
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","requestState":\#(state),"#)
        rig.turn()
        #expect(answer.messages.first?["error"]?["code"]?.int == -32602)
        #expect(rig.source.links.isEmpty)
    }

    @Test("A state is good in the conversation that it was given in, and in no other of the same client")
    func conversation() {
        let rig = Rig(.handshake, isolation: .perSession)
        func call(_ more: String = "", in thread: JSONText) -> Answer {
            rig.modern(.toolsCall, #""name":"t",\#(more)"#, capabilities: Self.forms, thread: thread).answer
        }
        let first = call(in: "one")
        rig.link.answer("initialize", Self.begun)
        rig.link.say(#"{"jsonrpc":"2.0","id":"e1","method":"elicitation/create","params":{"message":"m"}}"#)
        rig.pass(.milliseconds(50))
        let state = first.messages.last?["result"]?["requestState"]?.text ?? ""
        let answers = #""inputResponses":{"q1":{"action":"accept"}},"requestState":"\#(state)","#
        let other = call(answers, in: "two")
        rig.turn()
        #expect(other.messages.first?["error"]?["code"]?.int == -32602)
        _ = call(answers, in: "one")
        #expect(rig.source.links[0].sent.contains { $0["id"]?.text == "e1" })
    }

    @Test("A client that opens conversations without end has so many programs, and others have theirs")
    func conversations() {
        let rig = Rig(.handshake, isolation: .perSession)
        func call(_ client: JSONText, _ thread: String) -> Answer {
            let answer = rig.modern(.toolsCall, #""name":"t","#, client: client, thread: JSONText(thread)).answer
            rig.link.answer("initialize", Self.begun)
            return answer
        }
        _ = call("quiet", "mine")
        for number in 1...PeerPool.mostLinksOfOne { _ = call("c", "t\(number)") }
        #expect(rig.source.links.count == PeerPool.mostLinksOfOne + 1)
        // All of its own are at work.
        let refused = call("c", "one-more")
        rig.turn()
        #expect(refused.failure != nil)
        #expect(rig.source.links.count == PeerPool.mostLinksOfOne + 1)
        // One that rests goes for the next.
        rig.source.links[5].answer("tools/call", #"{"content":[]}"#)
        _ = call("c", "another")
        #expect(rig.source.links[5].isClosed)
        #expect(rig.source.links.count == PeerPool.mostLinksOfOne + 2)
        #expect(!rig.source.links[0].isClosed)
    }

    @Test("However a client writes what it can do, there are so many kinds of clients as there are words")
    func capabilities() {
        var told: Set<[UInt8]> = []
        for number in 0..<50 {
            let written =
                #"{"x\#(number)":{},"sampling":{"tools":{"n":\#(number)},"y\#(number)":{}},"elicitation":{"form":{"\#(number)":1}},"#
                + #""roots":{"listChanged":true,"z":\#(number)}}"#
            told.insert(Capabilities.ofModernClient(RawObject(Array(written.utf8)) ?? RawObject()).bytes)
        }
        #expect(told.count == 1)
    }

    @Test("A subscription to a URI that is a document is none")
    func longURI() {
        let rig = Rig(.handshake)
        let long = "a:" + text(5000)
        let filter = #""notifications":{"resourceSubscriptions":["\#(long)","a:b"]},"#
        let (answer, _) = rig.modern(.subscriptionsListen, filter)
        rig.link.answer(
            "initialize",
            #"{"protocolVersion":"2025-11-25","capabilities":{"resources":{"subscribe":true}},"serverInfo":{}}"#
        )
        rig.link.answer("resources/subscribe", "{}")
        #expect(answer.messages.first?["params"]?["notifications"] == ["resourceSubscriptions": ["a:b"]])
    }

    // MARK: Handshake servers

    @Test("Questions of any size are asked up to a bound, and what is said while the client is away is kept up to one")
    func sizes() {
        let rig = Rig(.handshake)
        let level = #","io.modelcontextprotocol/logLevel":"debug""#
        let (first, _) = rig.modern(.toolsCall, #""name":"t","#, capabilities: Self.forms, meta: level)
        rig.link.answer("initialize", Self.begun)
        rig.link.answer("logging/setLevel", "{}")
        for number in 0..<3 {
            rig.link.say(
                #"{"jsonrpc":"2.0","id":"e\#(number)","method":"elicitation/create","params":{"message":"\#(text(400_000))"}}"#
            )
        }
        #expect(rig.link.sent.last?["id"]?.text == "e2" && rig.link.sent.last?["error"]?["code"]?.int == -32601)
        rig.pass(.milliseconds(50))
        #expect(first.messages.last?["result"]?["inputRequests"]?.object?.count == 2)
        for _ in 0..<64 {
            rig.link.say(
                #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"\#(text(100_000))"}}"#
            )
        }
        let state = first.messages.last?["result"]?["requestState"]?.text ?? ""
        let answers =
            #""inputResponses":{"q1":{"action":"accept"},"q2":{"action":"accept"}},"requestState":"\#(state)","#
        let (second, _) = rig.modern(.toolsCall, #""name":"t",\#(answers)"#, capabilities: Self.forms, meta: level)
        rig.turn()
        #expect(second.messages.count == 2)
    }

    @Test("Progress that a server says of no call, or of one that asked for none, goes to nobody")
    func progress() {
        let rig = Rig(.handshake, isolation: .perUser)
        let mine = rig.modern(.toolsCall, #""name":"t","#, client: "c").answer
        rig.link.answer("initialize", Self.begun)
        let other = rig.modern(.toolsCall, #""name":"t","#, meta: #","progressToken":"secret""#, client: "d").answer
        for token in ["0", "1", "2", "99", #""secret""#, #""2""#, "null", "{}"] {
            rig.link.say(
                #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(token),"progress":1}}"#
            )
        }
        #expect(mine.status == nil && other.status == nil)
        rig.link.say(#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":3,"progress":1}}"#)
        #expect(other.messages.first?["params"]?["progressToken"]?.text == "secret")
        #expect(mine.status == nil)
    }

    // MARK: Clients at a modern server

    @Test("A client that begins sessions without end loses its own")
    func sessions() {
        let rig = Rig(.modern)
        let mine = rig.begin(client: "quiet")
        let first = rig.begin()
        rig.pass(.seconds(1))
        for _ in 0..<HandshakeFront.most { _ = rig.begin() }
        func ping(_ session: String, _ client: JSONText) -> Int? {
            let message = #"{"jsonrpc":"2.0","id":5,"method":"ping"}"#
            let answer = rig.handshake(.post, message, rpc: .ping, session: session, client: client)
            rig.turn()
            return answer.status
        }
        #expect(ping(mine, "quiet") == 200)
        #expect(ping(first, "c") == 404)
    }

    @Test("What a client says of itself goes with each request, and so is short")
    func info() {
        let rig = Rig(.modern)
        let session = rig.begin(info: #"{"name":"c","version":"1","icons":[{"src":"data:,\#(text(100_000))"}]}"#)
        _ = rig.handshake(.post, #"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#, rpc: .toolsList, session: session)
        let meta = rig.link.last("tools/list")?["params"]?["_meta"]
        #expect(meta?["io.modelcontextprotocol/clientInfo"] == ["name": "c", "version": "1"])
        _ = rig.begin(info: #"{"name":"\#(text(100_000))","version":"1"}"#)
        let told = rig.link.last("server/discover")?["params"]?["_meta"]
        #expect(told?["io.modelcontextprotocol/clientInfo"]?["name"]?.text == "client")
    }

    @Test("One session's requests and questions are out of reach of another's messages")
    func otherSession() {
        let rig = Rig(.modern, isolation: .perUser)
        let asking =
            #"{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"m"}}}}"#
        let (mine, other) = (rig.begin(Self.forms), rig.begin(Self.forms, client: "d"))
        let answer = rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t"}}"#,
            rpc: .toolsCall,
            session: mine
        )
        rig.link.answer("tools/call", asking)
        let id = answer.messages.first?["id"]?.json ?? ""
        for message in [
            #"{"jsonrpc":"2.0","id":\#(id),"result":{"action":"accept","content":{"stolen":true}}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#,
        ] {
            #expect(rig.handshake(.post, message, session: other, client: "d").status == 202)
            #expect(rig.handshake(.post, message, session: mine, client: "d").status == 404)
        }
        #expect(rig.link.sent.filter { $0["method"]?.text == "tools/call" }.count == 1)
        #expect(rig.link.last("notifications/cancelled") == nil)
    }

    @Test("A URI that is a document is no subscription")
    func longSubscription() {
        let rig = Rig(.modern)
        let session = rig.begin()
        let answer = rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"a:\#(text(5000))"}}"#,
            rpc: .resourcesSubscribe,
            session: session
        )
        rig.turn()
        #expect(answer.messages.first?["error"]?["code"]?.int == -32602)
    }
}
