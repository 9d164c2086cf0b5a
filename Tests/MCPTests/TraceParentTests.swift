import MCP
import Testing

@Suite("traceparent")
struct TraceParentTests {
    private func traceID(_ text: String) -> String? {
        Array(text.utf8).withUnsafeBufferPointer { TraceParent($0) }.map { String(decoding: $0.traceID, as: UTF8.self) }
    }

    @Test("The trace id is read from a well-formed value")
    func good() {
        let id = "0af7651916cd43dd8448eb211c80319c"
        #expect(traceID("00-\(id)-b7ad6b7169203331-01") == id)
        #expect(traceID("01-\(id)-b7ad6b7169203331-01") == id)
        #expect(traceID("01-\(id)-b7ad6b7169203331-01-more") == id)
    }

    @Test(
        "Anything else is ignored",
        arguments: [
            "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ]
    )
    func bad(text: String) {
        #expect(traceID(text) == nil)
    }
}
