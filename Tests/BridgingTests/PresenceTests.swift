import MCP
import NIOCore
import StrictJSON
import Testing
import Upstreams

@testable import Bridging

@Suite("Programs are asked whether they are there")
struct PresenceTests {
    private let rig = Rig(.handshake)
    private static let begun =
        #"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#

    private final class Heard {
        var said: [ServerBridge.Presence] = []
    }

    private func ask() -> Heard {
        let heard = Heard()
        rig.bridge.askPrograms(within: .seconds(10)) { heard.said.append($0) }
        return heard
    }

    /// Two programs that have been used, each by its client.
    private func used() {
        for client in ["c", "d"] as [JSONText] {
            _ = rig.modern(.toolsList, client: client)
            rig.link.answer("initialize", Self.begun)
            rig.link.answer("tools/list", #"{"tools":[]}"#)
        }
    }

    @Test("None is started, and none is asked before it has begun")
    func none() {
        #expect(ask().said == [.unknown])
        #expect(rig.source.links.isEmpty)
        _ = rig.modern(.toolsList)
        #expect(ask().said == [.unknown])
        #expect(rig.link.last("ping") == nil)
    }

    @Test("All that run are asked, and one that does not answer is told from none that does")
    func silence() {
        used()
        let all = ask()
        for link in rig.source.links { link.answer("ping", "{}") }
        #expect(all.said == [.answered])
        let some = ask()
        rig.source.links[0].answer("ping", "{}")
        #expect(some.said.isEmpty)
        rig.pass(.seconds(10))
        #expect(some.said == [.silent(all: false)])
        // The other one may have said more than nobody waits for.
        rig.source.links[1].answer("ping", "{}")
        let none = ask()
        rig.pass(.seconds(10))
        #expect(none.said == [.silent(all: true)])
    }

    @Test("One that is at work says by that how it is, and one that ends meanwhile says nothing")
    func busy() {
        used()
        rig.source.links[0].end(.afterSending(UpstreamError(.closed, "It is gone.")))
        _ = rig.modern(.toolsCall, #""name":"slow","#, client: "d")
        #expect(ask().said == [.unknown])
        rig.link.answer("tools/call", #"{"content":[]}"#)
        let heard = ask()
        rig.link.end(.afterSending(UpstreamError(.closed, "It is gone.")))
        #expect(heard.said == [.unknown])
    }

    @Test("To be asked is no use: a program that nobody else uses ends all the same")
    func rest() {
        used()
        for _ in 0..<11 {
            rig.pass(.minutes(1))
            _ = ask()
            for link in rig.source.links where !link.isClosed { link.answer("ping", "{}") }
        }
        for link in rig.source.links { #expect(link.isClosed) }
    }
}
