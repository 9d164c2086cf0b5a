import MCP
import NIOCore
import StrictJSON
import Testing
import Upstreams
import Wire

@testable import Bridging

@Suite("Streams over the bridge that clients take up again")
struct ResumedStreamTests {
    private let rig = Rig(.modern)

    private func call(_ id: Int, _ session: String) -> (answer: Answer, exchange: UpstreamExchange) {
        let (answer, exchange) = rig.handshakeExchange(
            .post,
            #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"t","_meta":{"progressToken":1}}}"#,
            rpc: .toolsCall,
            session: session
        )
        return (answer, exchange)
    }

    private func progress(_ number: Int) {
        let token = rig.link.last("tools/call")?["params"]?["_meta"]?["progressToken"]?.json ?? ""
        rig.link.say(
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(token),"progress":\#(number)}}"#
        )
    }

    private func isCancelled() -> Bool { rig.link.last("notifications/cancelled") != nil }

    private static let done = #"{"resultType":"complete","content":[]}"#

    @Test("A call goes on while its client is away, and what came in between is told where it comes back, once")
    func resumed() {
        let session = rig.begin()
        let (first, exchange) = call(7, session)
        progress(1)
        progress(2)
        exchange.cancel()
        progress(3)
        rig.link.answer("tools/call", Self.done)
        #expect(!isCancelled())
        #expect(first.eventIDs.count == 2)
        // The client has seen the first event, and nothing of the second.
        let second = rig.handshake(.get, session: session, behind: first.eventIDs[0])
        #expect(second.messages.compactMap { $0["params"]?["progress"]?.int } == [2, 3])
        #expect(second.messages.last == ["jsonrpc": "2.0", "id": 7, "result": ["content": []]])
        #expect(second.hasEnded)
        // It is over: what comes with the same id is a new stream of what belongs to no request.
        let third = rig.handshake(.get, session: session, behind: first.eventIDs[0])
        #expect(third.messages.isEmpty && !third.hasEnded)
    }

    @Test("A call goes on on the stream that was taken up again")
    func goesOn() {
        let session = rig.begin()
        let (first, exchange) = call(7, session)
        progress(1)
        exchange.cancel()
        let (second, again) = rig.handshakeExchange(.get, session: session, behind: first.eventIDs[0])
        progress(2)
        #expect(second.messages.count == 1)
        again.cancel()
        let third = rig.handshake(.get, session: session, behind: second.eventIDs[0])
        // A client may come back before its old stream is seen to be gone: that one ends.
        let fourth = rig.handshake(.get, session: session, behind: second.eventIDs[0])
        #expect(third.hasEnded && third.messages.isEmpty)
        rig.link.answer("tools/call", Self.done)
        #expect(fourth.messages.last?["id"]?.int == 7)
        #expect(!isCancelled())
    }

    @Test("A call without an event has none to come back to: it ends with its stream, unless it takes long")
    func marks() {
        let session = rig.begin()
        let (_, exchange) = call(7, session)
        exchange.cancel()
        #expect(isCancelled())
        let (long, other) = call(8, session)
        rig.pass(.seconds(5))
        #expect(long.eventIDs.count == 1 && long.messages.isEmpty)
        other.cancel()
        rig.link.answer("tools/call", Self.done)
        let back = rig.handshake(.get, session: session, behind: long.eventIDs[0])
        #expect(back.messages.last?["id"]?.int == 8)
        // An older client would take an event without a message for a broken one.
        let older = rig.begin(revision: "2025-06-18")
        let (quiet, _) = call(9, older)
        rig.pass(.seconds(5))
        #expect(quiet.status == nil)
    }

    @Test("What a client takes back while it is away is taken back at the server")
    func takenBack() {
        let session = rig.begin()
        let (answer, exchange) = call(7, session)
        progress(1)
        exchange.cancel()
        let id = rig.link.last("tools/call")?["id"]
        rig.handshake(
            .post,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#,
            session: session
        )
        #expect(rig.link.last("notifications/cancelled")?["params"]?["requestId"] == id)
        let late = rig.handshake(.get, session: session, behind: answer.eventIDs[0])
        #expect(late.messages.isEmpty && !late.hasEnded)
    }

    @Test("The end of a session takes back what waits in it")
    func sessionEnds() {
        let session = rig.begin()
        let (_, exchange) = call(7, session)
        progress(1)
        exchange.cancel()
        #expect(!isCancelled())
        rig.handshake(.delete, session: session)
        #expect(isCancelled())
    }

    @Test("No session takes up the stream of another, and no client that of another")
    func foreign() {
        let (mine, other) = (rig.begin(), rig.begin())
        let (answer, exchange) = call(7, mine)
        progress(1)
        exchange.cancel()
        rig.link.answer("tools/call", Self.done)
        let mark = answer.eventIDs[0]
        #expect(rig.handshake(.get, session: mine, client: "d", behind: mark).status == 404)
        let stolen = rig.handshake(.get, session: other, behind: mark)
        #expect(stolen.messages.isEmpty && !stolen.hasEnded)
        // Nor are there others to be guessed: an id is good for what it was written for.
        let parts = mark.split(separator: "-").map(String.init)
        for guess in ["\(parts[0])-2-0", "0-\(parts[1])-0", "\(parts[0])-+1-0", "\(parts[0])-01-0", "", "1", "--"] {
            #expect(rig.handshake(.get, session: mine, behind: guess).messages.isEmpty, "\(guess)")
        }
        #expect(rig.handshake(.get, session: mine, behind: mark).messages.last?["id"]?.int == 7)
    }

    @Test("A server that says much while the client is away costs no more than a bound, and its answer is there")
    func bounded() {
        let session = rig.begin()
        let (answer, exchange) = call(7, session)
        progress(1)
        exchange.cancel()
        for number in 2...1000 { progress(number) }
        rig.link.answer("tools/call", Self.done)
        let back = rig.handshake(.get, session: session, behind: answer.eventIDs[0])
        #expect(back.messages.count == 64)
        #expect(back.messages.last?["id"]?.int == 7)
    }

    @Test("So many calls wait for one session's client; the oldest ends")
    func tooMany() {
        let session = rig.begin()
        for id in 1...65 {
            let (_, exchange) = call(id, session)
            progress(1)
            exchange.cancel()
            #expect(isCancelled() == (id == 65))
        }
        #expect(rig.link.sent.filter { $0["method"]?.text == "notifications/cancelled" }.count == 1)
    }

    @Test("An answer that there is no room for becomes an error, and what was kept is given back")
    func budget() {
        let budget = EventBudget(most: 100)
        var log: EventLog? = EventLog(budget)
        #expect(log?.add(Array(repeating: 0x20, count: 90)).isKept == true)
        #expect(log?.add(Array(repeating: 0x20, count: 20)).isKept == false)
        #expect(log?.add(Array(repeating: 0x20, count: 20), isSmall: true).isKept == true)
        #expect(log?.events(after: 0).map(\.number) == [1, 3])
        log = nil
        #expect(budget.bytes == 0)
    }

    @Test("A server that fails while the client is away is said to have")
    func failed() {
        let session = rig.begin()
        let (answer, exchange) = call(7, session)
        progress(1)
        exchange.cancel()
        let id = rig.link.last("tools/call")?["id"]?.json ?? ""
        rig.link.say(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32000,"message":"no"}}"#)
        let back = rig.handshake(.get, session: session, behind: answer.eventIDs[0])
        #expect(back.messages.last?["error"]?["code"]?.int == -32000)
    }

    @Test("News that came between two streams of a session are told on the second")
    func news() {
        let session = rig.begin()
        let (first, exchange) = rig.handshakeExchange(.get, session: session)
        let id = rig.link.last("subscriptions/listen")?["id"]?.json ?? ""
        let meta = #""_meta":{"io.modelcontextprotocol/subscriptionId":\#(id)}"#
        func change() {
            rig.link.say(#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{\#(meta)}}"#)
        }
        change()
        exchange.cancel()
        change()
        change()
        let second = rig.handshake(.get, session: session, behind: first.eventIDs.last)
        #expect(second.messages.count == 2)
    }
}
