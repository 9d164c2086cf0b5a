import NIOCore
import Testing
import Upstreams

@Suite("What a connection brings")
struct ReceivingTests {
    @Test("It is kept only until it was read, though each read ends in the middle of something")
    func bounded() {
        var buffer = ByteBuffer()
        var read: [UInt8] = []
        for round in 0..<2_000 {
            buffer.append(received: ByteBuffer(repeating: UInt8(truncatingIfNeeded: round), count: 1024))
            let count = buffer.readableBytes - 1
            read += (buffer.readBytes(length: count) ?? []).suffix(1)
        }
        #expect(buffer.readableBytes == 1)
        #expect(buffer.storageCapacity < 16 << 10)
        #expect(read == (0..<2_000).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test("What others hold of it stays as it is")
    func shared() {
        var buffer = ByteBuffer(string: "one two ")
        let held = buffer.readSlice(length: 4)
        buffer.append(received: ByteBuffer(string: "three"))
        #expect(held.map { String(buffer: $0) } == "one ")
        #expect(String(buffer: buffer) == "two three")
    }
}
