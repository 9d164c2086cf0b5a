import Testing
import Wire

@Suite("Writing heads")
struct HeadWriterTests {
    private func write(room: Int = 1024, _ body: (inout HeadWriter) -> Void) -> (text: String, isBroken: Bool) {
        var bytes = [UInt8](repeating: 0, count: room)
        return bytes.withUnsafeMutableBytes { raw in
            var writer = HeadWriter(raw)
            body(&writer)
            return (String(decoding: raw[..<writer.count], as: UTF8.self), writer.isBroken)
        }
    }

    private func withBytes<Result>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        Array(text.utf8).withUnsafeBufferPointer(body)
    }

    @Test("A request that is written is read back")
    func request() {
        let (text, isBroken) = write { writer in
            withBytes("/mcp?a=b") { writer.request("POST", target: $0) }
            withBytes("example.com:8443") { writer.field("host", $0) }
            writer.field("content-type", "application/json")
            writer.field("content-length", decimal: 1_048_576)
            withBytes("Mcp-Param-X") { name in withBytes("=?base64?YQ==?=") { writer.field(name: name, value: $0) } }
            writer.end()
            withBytes("{}") { writer.append(UnsafeRawBufferPointer($0)) }
        }
        #expect(!isBroken)
        #expect(
            text == "POST /mcp?a=b HTTP/1.1\r\nhost: example.com:8443\r\ncontent-type: application/json\r\n"
                + "content-length: 1048576\r\nMcp-Param-X: =?base64?YQ==?=\r\n\r\n{}"
        )
        let scan = ScannedRequest(Array(text.utf8), ends: [text.utf8.count])
        #expect(scan.outcome == .complete)
        #expect(scan.framing == "fixed(1048576)")
    }

    @Test("A response has its reason, and numbers are decimal")
    func response() {
        let (text, isBroken) = write { writer in
            writer.status(431)
            for number in [0, 7, 10, 99, 100, Int.max] { writer.field("n", decimal: number) }
            writer.end()
        }
        #expect(!isBroken)
        #expect(
            text == "HTTP/1.1 431 Request Header Fields Too Large\r\nn: 0\r\nn: 7\r\nn: 10\r\nn: 99\r\nn: 100\r\n"
                + "n: 9223372036854775807\r\n\r\n"
        )
    }

    @Test("Nothing that is put into a line can end it", arguments: ["a\r\nx: y", "a\nb", "a\rb", "a\0b", "\u{7f}"])
    func splitting(_ value: String) {
        #expect(write { writer in withBytes(value) { writer.field("x", $0) } }.isBroken)
        #expect(write { writer in withBytes(value) { writer.request("GET", target: $0) } }.isBroken)
        #expect(write { w in withBytes("n") { name in withBytes(value) { w.field(name: name, value: $0) } } }.isBroken)
        #expect(write { w in withBytes("v") { v in withBytes(value) { w.field(name: $0, value: v) } } }.isBroken)
        #expect(!write { writer in withBytes("a\tb") { writer.field("x", $0) } }.isBroken)
    }

    @Test("A name that is no token is refused", arguments: ["", "a b", "a:b", "\u{e9}"])
    func names(_ name: String) {
        #expect(write { w in withBytes(name) { n in withBytes("v") { w.field(name: n, value: $0) } } }.isBroken)
    }

    @Test("What does not fit is not written in part")
    func room() {
        for room in 0..<40 {
            let (text, isBroken) = write(room: room) { writer in
                writer.status(200)
                writer.field("n", decimal: 12345)
                writer.end()
            }
            #expect(isBroken == (room < 29))
            #expect(text.utf8.count <= room)
        }
    }
}
