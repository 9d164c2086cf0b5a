import Testing
import Wire

@testable import Forwarding

@Suite("Reading requests of a connection")
struct RequestReaderTests {
    private func reader() -> RequestReader { RequestReader(longestHead: 2048, longestBody: 64) }

    /// What the reader says of bytes that come in pieces of `size`.
    private func steps(_ text: String, pieces size: Int, _ reader: inout RequestReader) -> [RequestReader.Step] {
        let bytes = Array(text.utf8)
        var steps: [RequestReader.Step] = []
        var end = 0
        while end < bytes.count {
            end = min(end + size, bytes.count)
            bytes[..<end].withUnsafeBytes { bytes in
                while true {
                    let step = reader.next(bytes)
                    if step == .incomplete || steps.last == .request { break }
                    steps.append(step)
                    if case .refused = step { break }
                }
            }
        }
        return steps
    }

    @Test("A head, then its body, wherever the bytes are cut", arguments: 1...40)
    func pieces(size: Int) {
        var reader = reader()
        let text = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        #expect(steps(text + "GET", pieces: size, &reader) == [.head, .request])
        #expect(reader.length == text.utf8.count)
        #expect(reader.bodyRange.map { Array(text.utf8)[$0] }?.elementsEqual("hello".utf8) == true)
    }

    @Test("A body in chunks is joined, wherever the bytes are cut", arguments: 1...40)
    func chunks(size: Int) {
        var reader = reader()
        let text =
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
        #expect(steps(text + "GET", pieces: size, &reader) == [.head, .request])
        #expect(reader.length == text.utf8.count)
        #expect(reader.joinedBody.elementsEqual("hello".utf8))
        #expect(reader.bodyRange == nil)
        reader.startAgain()
        #expect(reader.joinedBody.isEmpty)
    }

    @Test("Of chunks that were taken out nothing is kept", arguments: [1, 7, 1000])
    func givenUp(size: Int) {
        var reader = RequestReader(longestHead: 2048, longestBody: 4096)
        let head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let text = Array((head + String(repeating: "000000000001\r\na\r\n", count: 2000) + "0\r\n\r\nGET").utf8)
        var kept: [UInt8] = []
        var longest = 0
        var isWhole = false
        for start in stride(from: 0, to: text.count, by: size) where !isWhole {
            kept += text[start..<min(start + size, text.count)]
            longest = max(longest, kept.count)
            var step = RequestReader.Step.head
            while step == .head { step = kept.withUnsafeBytes { reader.next($0) } }
            isWhole = step == .request
            kept.removeLast(reader.takenOut())
        }
        #expect(isWhole)
        #expect(reader.joinedBody.elementsEqual(repeatElement(UInt8(ascii: "a"), count: 2000)))
        #expect(longest <= head.utf8.count + size + 17)
        #expect("GET".utf8.starts(with: kept[reader.length...]))
    }

    @Test("One request after the other")
    func again() {
        var reader = reader()
        #expect(steps("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", pieces: 100, &reader) == [.head, .request])
        reader.startAgain()
        #expect(steps("GET /b HTTP/1.1\r\nHost: a\r\n\r\n", pieces: 7, &reader) == [.head, .request])
    }

    private func refusal(_ text: String) -> Int? {
        var reader = reader()
        for step in steps(text, pieces: 1000, &reader) {
            if case .refused(let status, _) = step { return status }
        }
        return nil
    }

    @Test("What is too long is refused as soon as that is known")
    func tooLong() {
        let head = "POST /x HTTP/1.1\r\nHost: a\r\n"
        #expect(refusal(head + "Content-Length: 64\r\n\r\n" + String(repeating: "a", count: 64)) == nil)
        #expect(refusal(head + "Content-Length: 65\r\n\r\n") == 413)
        #expect(
            refusal(head + "Transfer-Encoding: chunked\r\n\r\n40\r\n\(String(repeating: "a", count: 64))\r\n1\r\na")
                == 413
        )
        #expect(refusal(head + "X: " + String(repeating: "a", count: 2048)) == 431)
    }

    @Test(
        "What two readers could take for two things is refused",
        arguments: [
            "Content-Length: 2\r\nTransfer-Encoding: chunked", "Content-Length: 2\r\nContent-Length: 3",
            "Content-Length: 2, 2", "Content-Length: +2", "Transfer-Encoding : chunked", "X: a\r\n folded: b",
            "X: a\0b", "X: a\rb: c", "Content-Length: 2\nX: y", "Host: b",
        ]
    )
    func smuggled(lines: String) {
        let status = refusal("POST /x HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n{}GET /healthz HTTP/1.1\r\n\r\n")
        #expect(status == 400 || status == 501)
    }

    @Test("Chunks that are none are refused")
    func malformedChunks() {
        let head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(refusal(head + "2\r\n{}X\r\n0\r\n\r\n") == 400)
        #expect(refusal(head + "-2\r\n{}\r\n0\r\n\r\n") == 400)
        #expect(refusal(head + "0x2\r\n{}\r\n0\r\n\r\n") == 400)
    }
}
