import MCP
import NIOCore
import Testing

@testable import Bridging

@Suite("Links at rest")
struct IdleTests {
    private static let begun =
        #"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#

    /// A modern client that has listed the tools of a handshake server.
    private func listed() -> Rig {
        let rig = Rig(.handshake)
        let answer = rig.modern(.toolsList).answer
        rig.link.answer("initialize", Self.begun)
        rig.turn()
        rig.link.answer("tools/list", #"{"tools":[]}"#)
        rig.turn()
        #expect(answer.hasEnded)
        return rig
    }

    @Test("A link that nobody has used for ten minutes is closed, and the next request has another")
    func idle() {
        let rig = listed()
        let link = rig.link
        rig.pass(.minutes(9))
        #expect(!link.isClosed)
        rig.pass(.minutes(2))
        #expect(link.isClosed)
        _ = rig.modern(.toolsList)
        rig.link.answer("initialize", Self.begun)
        #expect(rig.source.links.count == 2)
        #expect(!rig.link.isClosed)
    }

    @Test("One with a call under way is not closed, however long that takes")
    func busy() {
        let rig = listed()
        _ = rig.modern(.toolsCall, #""name":"slow","arguments":{},"#)
        rig.turn()
        rig.pass(.minutes(60))
        #expect(!rig.link.isClosed)
        rig.link.answer("tools/call", #"{"content":[]}"#)
        rig.pass(.minutes(11))
        #expect(rig.link.isClosed)
    }
}
