import StrictJSON
import Testing

@testable import Forwarding

@Suite("What is kept of a session's other side")
struct SealedSessionTests {
    private let id: JSONText = "0123456789abcdef0123456789abcdef"
    private let mark = Array(repeating: UInt8(7), count: 32)

    private func seed(_ params: String = #"{"capabilities":{}}"#) throws -> SessionSeed {
        let message = Array(#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":\#(params)}"#.utf8)
        return try #require(message.withUnsafeBufferPointer { SessionSeed(initialize: $0) })
    }

    private func note(_ seed: inout SessionSeed, _ wish: SessionSeed.Wish, params: JSONValue) -> Bool {
        seed.note(wish, params: params)
    }

    @Test("The session's id opens it, and nothing else does")
    func sealed() throws {
        var seed = try seed()
        #expect(note(&seed, .level, params: ["level": "debug"]))
        #expect(note(&seed, .subscribe, params: ["uri": "a://1"]))
        for upstream in ["s-1", "", nil] as [JSONText?] {
            let content = SealedSession.Content(upstream: upstream, seed: seed)
            let bytes = try #require(SealedSession.seal(content, id: id, mark: mark))
            #expect(SealedSession.open(bytes, id: id, mark: mark) == content)
            #expect(SealedSession.open(bytes, id: "0123456789abcdef0123456789abcdee", mark: mark) == nil)
            // Another session's seal in the place of this one.
            #expect(SealedSession.open(bytes, id: id, mark: Array(mark.dropLast()) + [8]) == nil)
            for index in [0, bytes.count / 2, bytes.count - 1] {
                var changed = bytes
                changed[index] ^= 1
                #expect(SealedSession.open(changed, id: id, mark: mark) == nil)
            }
        }
        #expect(SealedSession.open([], id: id, mark: mark) == nil)
    }

    @Test("Too long a seal goes without the subscriptions")
    func tooLong() throws {
        var seed = try seed()
        let long = String(repeating: "x", count: 1900)
        for number in 0..<20 { #expect(note(&seed, .subscribe, params: ["uri": .text("a://\(number)/\(long)")])) }
        let content = SealedSession.Content(upstream: "s-1", seed: seed)
        let bytes = try #require(SealedSession.seal(content, id: id, mark: mark))
        let opened = try #require(SealedSession.open(bytes, id: id, mark: mark))
        #expect(opened.seed?.params == seed.params)
        #expect(opened.seed?.subscriptions.isEmpty == true)
    }

    @Test("Of `initialize` what a server must know is kept, and no more of it than has a bound")
    func seeds() throws {
        let kept = try seed(
            #"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"n","version":"1","title":"T"},"#
                + #""_meta":{"progressToken":1}}"#
        )
        let expected = #"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"#
        #expect(String(decoding: kept.params, as: UTF8.self).hasPrefix(expected))
        #expect(String(decoding: kept.params, as: UTF8.self).contains(#""title":"T""#))
        #expect(!String(decoding: kept.params, as: UTF8.self).contains("progressToken"))
        let icon = String(repeating: "A", count: 100_000)
        let large = try seed(
            #"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"n","version":"1","icons":["\#(icon)"]}}"#
        )
        #expect(
            String(decoding: large.params, as: UTF8.self)
                == #"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"n","version":"1"}}"#
        )
        let message = #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{"x":"\#(icon)"}}}"#
        #expect(Array(message.utf8).withUnsafeBufferPointer { SessionSeed(initialize: $0) } == nil)
    }

    @Test("What a client asks of a session as such is asked again in the same order, and bounded")
    func wishes() throws {
        var seed = try seed()
        #expect(seed.wishes.isEmpty)
        for uri in ["b://2", "a://1", "b://2"] { _ = seed.note(.subscribe, params: ["uri": .text(uri)]) }
        #expect(note(&seed, .level, params: ["level": "info"]))
        #expect(!note(&seed, .level, params: ["level": "info"]))
        #expect(
            seed.wishes.map { String(decoding: $0.params, as: UTF8.self) }
                == [#"{"level":"info"}"#, #"{"uri":"a://1"}"#, #"{"uri":"b://2"}"#]
        )
        #expect(note(&seed, .unsubscribe, params: ["uri": "a://1"]))
        #expect(!note(&seed, .unsubscribe, params: ["uri": "a://1"]))
        for number in 0..<100 { _ = seed.note(.subscribe, params: ["uri": .text("c://\(number)")]) }
        #expect(seed.subscriptions.count == SessionSeed.mostSubscriptions)
        #expect(!note(&seed, .subscribe, params: ["uri": .text(String(repeating: "x", count: 3000))]))
    }
}
