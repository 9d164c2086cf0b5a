import MCP
import StrictJSON
import Testing

@testable import Bridging

@Suite("Which era a server speaks")
struct EraTests {
    private func message(_ json: String) -> PeerMessage? { try? PeerMessage(ofServer: Array(json.utf8)) }

    private static func error(_ code: Int, _ id: String = "1", _ data: String = "null") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":\#(code),"message":"m","data":\#(data)}}"#
    }

    @Test(
        "What real servers of the handshake era answer to server/discover is recognised",
        arguments: [
            (400, nil), (404, nil), (405, nil), (406, nil), (415, nil), (400, error(-32600, #""server-error""#)),
            (200, error(-32601)), (200, error(-32602)), (400, error(-32602)), (404, error(-32601)),
            (400, error(-32600)),
            (400, error(-32022, "1", #"{"supported":["2025-11-25"]}"#)), (400, error(-32022)),
            (200, #"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        ] as [(Int, String?)]
    )
    func handshakeServers(status: Int, body: String?) {
        #expect(EraEvidence(discover: status, body.flatMap { message($0) }) == .notSpoken)
    }

    @Test(
        "A modern server is recognised by its result, and by errors that no other era has",
        arguments: [
            (200, #"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}}"#),
            (400, error(-32020)), (400, error(-32021)), (400, error(-32022, "1", #"{"supported":["2027-01-01"]}"#)),
        ]
    )
    func modernServers(status: Int, body: String) {
        #expect(EraEvidence(discover: status, message(body)) == .spoken)
    }

    @Test(
        "Outages, redirects and questions of the credential are no evidence, whatever their body says",
        arguments: [301, 401, 403, 408, 429, 500, 502, 503]
    )
    func noEvidence(status: Int) {
        for body in [nil, message(Self.error(-32601)), message(Self.error(-32020))] {
            #expect(EraEvidence(discover: status, body) == .none)
            #expect(EraEvidence(initialize: status, body) == .none)
        }
        #expect(EraEvidence(discover: 200, nil) == .none)
    }

    @Test("initialize is spoken where it has a result")
    func initialize() {
        #expect(EraEvidence(initialize: 200, message(#"{"jsonrpc":"2.0","id":1,"result":{}}"#)) == .spoken)
        #expect(EraEvidence(initialize: 404, message(Self.error(-32601))) == .notSpoken)
        #expect(EraEvidence(initialize: 405, nil) == .notSpoken)
    }

    @Test("A finding is old after a day, and is kept over a restart")
    func book() {
        var now: Int64 = 1_000_000
        let book = EraBook { now }
        var changes = 0
        book.changed = { changes += 1 }
        #expect(book.verdict("u", .modern) == .unknown)
        book.note("u", .modern, speaks: false)
        book.note("u", .handshake, speaks: true, isEventStream: true)
        book.note("u", .modern, speaks: false)
        #expect(changes == 2)
        let later = EraBook { now }
        later.restore(book.json)
        for book in [book, later] {
            #expect(book.verdict("u", .modern) == .no)
            #expect(book.verdict("u", .handshake) == .yes)
            #expect(book.isEventStream("u"))
            #expect(book.verdict("other", .modern) == .unknown)
        }
        now += 86_400 * 1_000_000
        #expect(later.verdict("u", .modern) == .unknown)
        #expect(!later.isEventStream("u"))
        // A clock that was set back makes nothing newer than it is.
        now = 0
        #expect(later.verdict("u", .handshake) == .unknown)
        later.restore("nonsense")
    }
}
