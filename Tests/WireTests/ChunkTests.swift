import Testing
import Wire

@Suite("Chunks")
struct ChunkTests {
    private struct Decoded: Equatable {
        var data: [UInt8] = []
        var outcome = ChunkDecoder.Step.incomplete
        var consumed = 0
    }

    private func decode(_ bytes: [UInt8], ends: [Int]? = nil) -> Decoded {
        var decoder = ChunkDecoder()
        var decoded = Decoded()
        bytes.withUnsafeBytes { raw in
            var start = 0
            for end in ends ?? [bytes.count] where decoded.outcome == .incomplete {
                let piece = UnsafeRawBufferPointer(rebasing: raw[start..<end])
                var position = 0
                var step = decoder.next(piece, from: &position)
                while case .data(let range) = step {
                    decoded.data += piece[range]
                    step = decoder.next(piece, from: &position)
                }
                decoded.outcome = step
                decoded.consumed = start + position
                start = end
            }
        }
        return decoded
    }

    @Test("A body is the same however its chunks arrive, and what follows is left alone")
    func pieces() {
        let body = Array("5;a=b\r\nhello\r\nA\r\n, world!!!\r\n0\r\nTrailer: x\r\n\r\nHTTP/1.1 200".utf8)
        for ends in Pieces.everyCut(of: body.count) {
            let decoded = decode(body, ends: ends)
            #expect(decoded.data == Array("hello, world!!!".utf8))
            #expect(decoded.outcome == .ended)
            #expect(decoded.consumed == body.count - 12)
        }
    }

    @Test(
        "What is no chunk is refused",
        arguments: [
            "\r\n", "g\r\n", "-1\r\n", "+1\r\n", " 1\r\n", "1 \r\n", "0x1\r\n", "1\n", "1\r\r\n", "1\rX", "1;a\nb\r\n",
            "1;\0\r\n", "1\r\nab\r\n", "1\r\na\n", "1\r\na\rX", "1000000000000\r\n", "0\r\n folded\r\n", "0\r\na\nb",
            "0\r\n\rX", "1;\(String(repeating: "a", count: 9000))\r\n",
            "0\r\n\(String(repeating: "a: b\r\n", count: 3000))",
        ]
    )
    func malformed(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(decode(bytes).outcome == .malformed)
        #expect(decode(bytes, ends: Array(1...bytes.count)).outcome == .malformed)
    }

    @Test("A chunk that is written is read back")
    func writing() {
        for size in [0, 1, 15, 16, 255, 256, 4095, 65536, 1_000_000, Int.max] {
            var room = [UInt8](repeating: 0, count: ChunkHead.maxLength)
            let count = room.withUnsafeMutableBytes { ChunkHead.write(size, to: $0) }
            #expect(String(decoding: room[..<count], as: UTF8.self) == String(size, radix: 16) + "\r\n")
        }
        #expect("\(ChunkHead.last)" == "0\r\n\(ChunkHead.tail)")
    }

    @Test("Damaged bodies crash nothing, and pieces change nothing")
    func damaged() {
        var random = SeededRandom(11)
        let seed = Array("5\r\nhello\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nT: x\r\n\r\n".utf8)
        for _ in 0..<6000 {
            let bytes = Pieces.damaged(seed, alphabet: Array("\r\n\0 ;019afG".utf8), using: &random)
            let whole = decode(bytes)
            let pieces = decode(bytes, ends: Pieces.random(of: bytes.count, using: &random))
            #expect(whole.outcome == pieces.outcome)
            // Of a body that breaks off, what came before the fault is the same.
            #expect(whole.data == pieces.data)
        }
    }
}
