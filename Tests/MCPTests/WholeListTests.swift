import StrictJSON
import Testing

@testable import MCP

@Suite("A list that is put together out of its pages")
struct WholeListTests {
    private static let bounds = WholeList.Bounds(pages: 4, items: 6, bytes: 400)

    private func list(_ bounds: WholeList.Bounds = bounds) -> WholeList { WholeList(.toolsList, bounds: bounds) }

    private func page(_ tools: String, _ more: String = "") -> String {
        #"{"jsonrpc":"2.0","id":1,"result":{"tools":[\#(tools)]\#(more)}}"#
    }

    private func take(_ list: inout WholeList, _ text: String) throws(WholeList.Problem) -> WholeList.Step {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBufferPointer { bytes throws(WholeList.Problem) in try list.take(bytes) }
    }

    private func whole(_ pages: String...) throws -> String {
        var list = list()
        for page in pages { _ = try take(&list, page) }
        return String(decoding: list.response(id: Array("7".utf8)), as: UTF8.self)
    }

    @Test("has the entries of all pages in their order, and what the first page says beside them")
    func joined() throws {
        let text = try whole(
            page(#"{"name":"a"}, {"name":"b"}"#, #","nextCursor":"1","_meta":{"x":[1, 2]}"#),
            page("", #","nextCursor":"2","_meta":{"y":1}"#),
            page(#"{"name":"c"}"#)
        )
        #expect(
            text
                == #"{"jsonrpc":"2.0","id":7,"result":{"_meta":{"x":[1, 2]},"tools":[{"name":"a"}, {"name":"b"},{"name":"c"}]}}"#
        )
    }

    @Test("may be kept as long as the page that may be kept shortest, and by one client alone")
    func hints() throws {
        let text = try whole(
            page("1", #","ttlMs":5000,"cacheScope":"public","nextCursor":"1""#),
            page("2", #","ttlMs":300,"cacheScope":"public""#)
        )
        #expect(text.contains(#""ttlMs":300,"cacheScope":"private""#))
        // A page that does not say is stale at once.
        #expect(try whole(page("1", #","ttlMs":5000,"nextCursor":"1""#), page("2")).contains(#""ttlMs":0,"#))
        #expect(try !whole(page("1", #","nextCursor":"1""#), page("2", #","ttlMs":5"#)).contains("ttlMs"))
    }

    @Test("goes on behind an empty cursor, which is one, and ends where that comes again")
    func emptyCursor() throws {
        var list = list()
        #expect(try take(&list, page("1", #","nextCursor":"""#)) == .next(cursor: ""))
        #expect(try take(&list, page("1", #","nextCursor":"""#)) == .end)
    }

    @Test("ends where the cursor is null, or no text")
    func noCursor() throws {
        for cursor in ["null", "7", "{}"] {
            var list = list()
            #expect(try take(&list, page("1", #","nextCursor":\#(cursor)"#)) == .end)
        }
    }

    @Test("a cursor that comes again is a circle")
    func circle() throws {
        var list = list()
        _ = try take(&list, page("1", #","nextCursor":"a""#))
        _ = try take(&list, page("1", #","nextCursor":"b""#))
        #expect(throws: WholeList.Problem.cursorCycle) { try take(&list, page("1", #","nextCursor":"\u0061""#)) }
    }

    @Test("ends with an error at its bounds: pages, entries, bytes, a cursor without end")
    func bounds() throws {
        var pages = list()
        for number in 1...3 { _ = try take(&pages, page("", #","nextCursor":"\#(number)""#)) }
        #expect(throws: WholeList.Problem.tooManyPages) { try take(&pages, page("", #","nextCursor":"4""#)) }

        var items = list()
        _ = try take(&items, page("1,2,3,4", #","nextCursor":"1""#))
        #expect(throws: WholeList.Problem.tooManyItems) { try take(&items, page("5,6,7")) }

        var bytes = list()
        _ = try take(&bytes, page(#""\#(String(repeating: "x", count: 300))""#, #","nextCursor":"1""#))
        #expect(throws: WholeList.Problem.tooLarge) {
            try take(&bytes, page(#""\#(String(repeating: "x", count: 120))""#))
        }

        var cursor = list(WholeList.Bounds(pages: 9, items: 9, bytes: 1 << 20))
        let long = String(repeating: "x", count: 70_000)
        #expect(throws: WholeList.Problem.tooLarge) { try take(&cursor, page("1", #","nextCursor":"\#(long)""#)) }
    }

    @Test("a page with two lists has no reading")
    func twoLists() throws {
        var list = list()
        #expect(throws: WholeList.Problem.self) {
            try take(&list, page("1", #","tools":[{"name":"hidden"}],"nextCursor":"1""#))
        }
    }

    @Test("tells the envelope's cursors: of a request and of a result")
    func cursors() throws {
        func scan(_ text: String, ofServer: Bool = false) throws -> Envelope {
            try Array(text.utf8).withUnsafeBufferPointer {
                try ofServer ? Envelope.scan(ofServer: $0) : Envelope.scan($0)
            }
        }
        func ask(_ params: String) throws -> Bool {
            try scan(#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":\#(params)}"#).hasCursor
        }
        #expect(try !ask("{}"))
        #expect(try !ask(#"{"cursor":null}"#))
        #expect(try ask(#"{"cursor":""}"#))
        #expect(try ask(#"{"cursor":7}"#))
        #expect(try scan(page("1"), ofServer: true).nextCursor == nil)
        #expect(try scan(page("1", #","nextCursor":null"#), ofServer: true).nextCursor == nil)
        #expect(try scan(page("1", #","nextCursor":"""#), ofServer: true).nextCursor != nil)
        #expect(throws: EnvelopeError.self) {
            try scan(page("1", #","nextCursor":"a","nextCursor":"b""#), ofServer: true)
        }
    }
}
