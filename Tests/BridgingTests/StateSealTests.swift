import MCP
import StrictJSON
import Testing

@testable import Bridging

@Suite("Sealed request states")
struct StateSealTests {
    private let seal = StateSeal()
    private let state = StateSeal.State(suspension: 7, expires: 100)

    private func binding(
        _ client: JSONText = "c",
        _ params: String = #"{"name":"t","arguments":{"a":1}}"#,
        server: JSONText = "up",
        thread: JSONText = ""
    ) -> StateSeal.Binding {
        StateSeal.Binding(
            server: server,
            client: client,
            thread: thread,
            method: .toolsCall,
            params: RawObject(Array(params.utf8)) ?? RawObject()
        )
    }

    @Test("A state is good for its client and its request, with members in any order, and until it is over")
    func opens() throws {
        let text = try #require(seal.seal(state, for: binding()))
        let again = #"{"requestState":"x","arguments":{"a":1},"inputResponses":{"q":{}},"_meta":{},"name":"t"}"#
        #expect(seal.open(text, for: binding("c", again), now: 99) == state)
        #expect(seal.open(text, for: binding(), now: 100) == nil)
    }

    @Test("One of another client, server, conversation, request or run opens nothing")
    func refuses() throws {
        let text = try #require(seal.seal(state, for: binding()))
        #expect(seal.open(text, for: binding("d"), now: 0) == nil)
        #expect(seal.open(text, for: binding("c", #"{"name":"t","arguments":{"a":2}}"#), now: 0) == nil)
        #expect(seal.open(text, for: binding(server: "down"), now: 0) == nil)
        #expect(seal.open(text, for: binding(thread: "t"), now: 0) == nil)
        // What belongs together cannot be cut in another place.
        #expect(seal.open(text, for: binding("", server: "upc"), now: 0) == nil)
        #expect(StateSeal().open(text, for: binding(), now: 0) == nil)
    }

    @Test("A changed one opens nothing, wherever it was changed")
    func changed() throws {
        let text = try #require(seal.seal(state, for: binding()))
        for index in text.utf8.indices {
            var bytes = text.utf8
            bytes[index] = bytes[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(seal.open(JSONText(utf8: bytes), for: binding(), now: 0) == nil)
        }
        #expect(seal.open("", for: binding(), now: 0) == nil)
    }
}
