import Bytes
import MCP
import NIOCore
import StrictJSON
import Testing

@testable import Forwarding

@Suite("Sessions of the handshake era")
struct SessionTests {
    private let key = SessionKey(client: "a", server: "up", id: "s")

    private func pending(_ stream: AnyObject) -> Session.Pending {
        Session.Pending(facts: nil, spool: nil, began: 0, bytes: 1, stream: ObjectIdentifier(stream))
    }

    @Test("A session belongs to one client at one server")
    func bound() {
        var table = SessionTable()
        _ = table.begin(key, now: 1)
        #expect(table.find(key, now: 2) != nil)
        #expect(table.find(SessionKey(client: "b", server: "up", id: "s"), now: 2) == nil)
        #expect(table.find(SessionKey(client: "a", server: "other", id: "s"), now: 2) == nil)
        #expect(table.find(SessionKey(client: "a", server: "up", id: "S"), now: 2) == nil)
        #expect(table.end(key) != nil)
        #expect(table.find(key, now: 2) == nil)
    }

    @Test("Two clients that a server gives the same id have two sessions")
    func sameID() {
        var table = SessionTable()
        let first = table.begin(key, now: 1).session
        let second = table.begin(SessionKey(client: "b", server: "up", id: "s"), now: 1).session
        #expect(first !== second)
    }

    @Test("The table is bounded: the session unused longest goes")
    func bounded() {
        var table = SessionTable(most: 3)
        for number in 0..<3 {
            _ = table.begin(SessionKey(client: "a", server: "up", id: JSONText("\(number)")), now: Int64(number))
        }
        _ = table.find(SessionKey(client: "a", server: "up", id: "0"), now: 10)
        let gone = table.begin(SessionKey(client: "a", server: "up", id: "3"), now: 11).gone
        #expect(gone?.key.id == "1")
        #expect(table.count == 3)
    }

    @Test("At the bound a client that has its share loses its own; else the greediest client does")
    func shares() {
        var table = SessionTable(most: 4)
        func begin(_ client: JSONText, _ number: Int) -> SessionKey? {
            table.begin(SessionKey(client: client, server: "up", id: JSONText("\(number)")), now: Int64(number)).gone?
                .key
        }
        for number in 0..<4 { #expect(begin("greedy", number) == nil) }
        #expect(begin("greedy", 4)?.id == "0")
        // Half of the room is another client's as soon as it comes, and no more.
        #expect(begin("other", 5) == SessionKey(client: "greedy", server: "up", id: "1"))
        #expect(begin("other", 6)?.client == "greedy")
        #expect(begin("other", 7)?.id == "5")
        for number in 8..<50 { #expect(begin("greedy", number)?.client == "greedy") }
        #expect(table.count == 4)
    }

    @Test("Sessions that no client uses end")
    func unused() {
        var table = SessionTable()
        _ = table.begin(key, now: 1)
        _ = table.begin(SessionKey(client: "b", server: "up", id: "s"), now: 5)
        #expect(table.endAll(unusedSince: 5).map(\.key) == [key])
        #expect(table.count == 1)
        #expect(table.end(SessionKey(client: "b", server: "up", id: "s")) != nil)
        #expect(table.endAll { _ in true }.isEmpty)
    }

    @Test(
        "Visible ASCII is an id, and not without end",
        arguments: [
            ("abc-123", true), ("", false), ("a b", false), ("\u{7f}", false), ("ä", false),
            (String(repeating: "a", count: 1025), false),
        ]
    )
    func ids(text: String, isID: Bool) {
        #expect(Array(text.utf8).withUnsafeBufferPointer(SessionTable.isID) == isID)
    }

    @Test("An answer of the client is for one request of the server, once")
    func answers() {
        let session = Session(key, now: 0)
        let stream = Session(key, now: 0)
        #expect(session.add(.int(1), pending(stream)))
        #expect(!session.add(.int(1), pending(stream)))
        #expect(session.answer(.string("1"), now: 1) == nil)
        #expect(session.answer(.int(1), now: 2) != nil)
        #expect(session.answered == 2)
        #expect(session.answer(.int(1), now: 3) == nil)
    }

    @Test("Requests of the server are bounded, and end with their stream")
    func streams() {
        let session = Session(key, now: 0)
        let (one, other) = (Session(key, now: 0), Session(key, now: 0))
        for number in 0..<Session.most { #expect(session.add(.int(number), pending(number == 0 ? one : other))) }
        #expect(!session.add(.int(1000), pending(one)))
        #expect(session.abandon(stream: ObjectIdentifier(one)).count == 1)
        #expect(session.pending.count == Session.most - 1)
    }

    @Test("Only what the user must answer stops the clock; a ping does not")
    func waiting() {
        let session = Session(key, now: 0)
        #expect(session.add(.int(1), pending(session)))
        #expect(!session.isWaitingForClient)
    }

    @Test("A request that the client took back is known as such once")
    func cancelled() {
        let session = Session(key, now: 0)
        session.cancel(.int(1))
        #expect(session.endCancelled(.int(1)))
        #expect(!session.endCancelled(.int(1)))
    }
}

@Suite("Small parts of the data path")
struct SmallPartsTests {
    @Test("One timer serves all deadlines, and is set anew for an earlier one only")
    func schedule() {
        var schedule = SweepSchedule()
        #expect(schedule.arm(100) == 100)
        #expect(schedule.arm(200) == nil)
        #expect(schedule.arm(50) == 50)
        #expect(schedule.rang(earliest: 200) == 200)
        #expect(schedule.arm(300) == nil)
        #expect(schedule.rang(earliest: .max) == nil)
        #expect(schedule.arm(300) == 300)
    }

    @Test("Clients and servers have their share of files, and some are kept for the spool, the keyring and the link")
    func files() {
        for files in [256, 1024, 16384, 1 << 20] {
            let shares = FileShares(files: files)
            #expect(shares.clients + shares.servers + 2 * shares.lookUps <= files)
            #expect(files - shares.clients - shares.servers >= min(files / 8, 512))
            #expect(shares.clients >= files / 3 && shares.servers >= files / 3)
        }
        let few = FileShares(files: 10)
        #expect(few.clients == 8 && few.servers == 8 && few.lookUps == 16)
    }

    private func trace(_ body: String?, _ header: String?) -> String {
        var random = RandomPool { words in for index in words.indices { words[index] = 0xAB } }
        func lend(_ text: String?, _ use: (UnsafeBufferPointer<UInt8>?) -> String) -> String {
            guard let text else { return use(nil) }
            return Array(text.utf8).withUnsafeBufferPointer { use($0) }
        }
        return lend(body) { body in
            lend(header) { header in
                withUnsafeTemporaryAllocation(byteCount: TraceContext.length, alignment: 8) { room in
                    var output = ByteWriter(room)
                    TraceContext(body: body, header: header, random: &random).write(to: &output)
                    return String(decoding: output.written, as: UTF8.self)
                }
            }
        }
    }

    @Test("The trace of the body, else of the header, else a new one; the step is the agent's own")
    func traces() {
        let one = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let two = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        #expect(trace(one, two) == "00-0af7651916cd43dd8448eb211c80319c-00000000000000ab-01")
        #expect(trace(nil, two) == "00-1af7651916cd43dd8448eb211c80319c-00000000000000ab-00")
        #expect(trace("junk", two) == "00-1af7651916cd43dd8448eb211c80319c-00000000000000ab-00")
        #expect(trace(nil, nil) == "00-00000000000000ab00000000000000ab-00000000000000ab-00")
    }

    private func chunk(isLast: Bool, _ fill: (inout EventChunk) -> Void) -> String? {
        var events = EventChunk()
        fill(&events)
        return events.take(isLast: isLast).map { String(buffer: $0) }
    }

    @Test("Events are laid out anew, in one chunk")
    func events() {
        func bytes(_ text: String, _ use: (UnsafeRawBufferPointer) -> Void) {
            Array(text.utf8).withUnsafeBytes { use($0) }
        }
        let one = chunk(isLast: false) { events in bytes("{}") { events.append(data: $0, id: nil) } }
        #expect(one == "1c\r\nevent: message\r\ndata: {}\r\n\r\n\r\n")
        let lines = chunk(isLast: true) { events in
            bytes("{\n}") { data in bytes("7") { events.append(data: data, id: $0) } }
            events.appendComment()
        }
        #expect(lines == "30\r\nid: 7\r\nevent: message\r\ndata: {\r\ndata: }\r\n\r\n:\r\n\r\n\r\n0\r\n\r\n")
        let mark = chunk(isLast: false) { events in
            bytes("300") { events.note(retry: $0) }
            bytes("7") { events.append(mark: $0) }
        }
        #expect(mark == "1d\r\nid: 7\r\nretry: 300\r\ndata: \r\n\r\n\r\n")
        #expect(chunk(isLast: false) { _ in } == nil)
        #expect(chunk(isLast: true) { _ in } == "0\r\n\r\n")
    }
}
