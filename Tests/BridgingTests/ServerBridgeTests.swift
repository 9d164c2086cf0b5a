import MCP
import NIOCore
import NIOEmbedded
import StrictJSON
import Testing
import Wire
import Fetch
import Upstreams

@testable import Bridging

@Suite("The way of a request at the bridge")
struct ServerBridgeTests {
    @Test("A link whose era is not known is asked on a link of its own, once")
    func probe() {
        let rig = Rig(.auto)
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","#)
        #expect(rig.source.links.count == 1)
        #expect(rig.link.last("server/discover") != nil)
        let id = rig.link.last("server/discover")?["id"]?.json ?? ""
        rig.link.say(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32602,"message":"m"}}"#)
        rig.turn()
        #expect(rig.source.links[0].isClosed)
        #expect(rig.link.last("initialize") != nil)
        rig.link.answer("initialize", #"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{}}"#)
        rig.link.answer("tools/call", #"{"content":[]}"#)
        #expect(answer.messages.first?["result"] != nil)
        _ = rig.modern(.toolsCall, #""name":"t","#)
        #expect(rig.source.links.count == 2)
    }

    @Test("A program that ends where it is asked what it does not know is one of the handshake era")
    func exits() {
        let rig = Rig(.auto)
        _ = rig.modern(.toolsCall, #""name":"t","#)
        rig.link.end(.afterSending(UpstreamError(.closed, "It has ended.")))
        #expect(rig.link.last("initialize") != nil)
    }

    @Test("A program that cannot be started says nothing of its era")
    func down() {
        let rig = Rig(.auto)
        let (answer, _) = rig.modern(.toolsCall, #""name":"t","#)
        rig.link.end(.notSent(UpstreamError(.down, "It cannot be started.")))
        #expect(answer.failure != nil)
        _ = rig.modern(.toolsCall, #""name":"t","#)
        #expect(rig.link.last("server/discover") != nil)
    }

    @Test(
        "A handshake client comes first at no extra cost, and a server that refuses it is asked whether it is a modern one"
    )
    func handshakeFirst() {
        let rig = Rig(.auto)
        let initialize = #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#
        let answer = rig.handshake(.post, initialize, rpc: .initialize)
        #expect(rig.link.sent.count == 1)
        let id = rig.link.last("initialize")?["id"]?.json ?? ""
        rig.link.say(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32601,"message":"m"}}"#)
        rig.turn()
        rig.link.answer("server/discover", Rig.discovery)
        rig.turn()
        rig.link.answer("server/discover", Rig.discovery)
        #expect(answer.status == 200)
        #expect(answer.session != nil)
    }

    @Test("Between ends of one era over Streamable HTTP the bridge is a look at two bits")
    func direct() throws {
        let endpoint = try UpstreamEndpoint(url: "https://a.example/mcp", allowsLoopback: false)
        let eras = EraBook { 1 }
        func bridge(_ pin: EraPin) -> ServerBridge {
            ServerBridge(
                ServerBridge.Settings(alias: "up", transport: .http(endpoint), pin: pin, isolation: .perClient),
                upstream: nil,
                ServerBridge.Surroundings(
                    loop: Rig(.auto).loop,
                    eras: eras,
                    userAgent: "tests",
                    longestReply: 1,
                    now: { 0 }
                )
            )
        }
        #expect(bridge(.auto).isDirect(.handshake, .toolsCall))
        // A call could do something under the rules of another era.
        #expect(!bridge(.auto).isDirect(.modern, .toolsCall))
        eras.note(endpoint.url.text, .modern, speaks: true)
        #expect(bridge(.auto).isDirect(.modern, .toolsCall))
        #expect(!bridge(.auto).isDirect(.modern, .serverDiscover))
        eras.note(endpoint.url.text, .handshake, speaks: false)
        #expect(!bridge(.auto).isDirect(.handshake, .toolsCall))
        #expect(bridge(.handshake).isDirect(.handshake, .toolsCall))
        #expect(!bridge(.handshake).isDirect(.modern, .toolsCall))
        #expect(bridge(.modern).isDirect(.modern, .toolsCall))
    }
}
