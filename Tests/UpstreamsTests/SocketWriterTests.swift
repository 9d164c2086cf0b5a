import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Upstreams

@Suite("Writing to a socket")
struct SocketWriterTests {
    private final class Last: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
    }

    /// Runs `body` on the loop of a channel whose other end is the descriptor that `check` gets.
    private func withPair(
        _ body: @escaping @Sendable (SocketWriter, ChannelHandlerContext) -> Void,
        _ check: (Int32, any Channel) async throws -> Void
    ) async throws {
        var pair: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { $0.pipeline.addHandler(Last()) }
            .withConnectedSocket(pair[0]).get()
        try await channel.eventLoop.submit {
            let context = try channel.pipeline.syncOperations.context(handlerType: Last.self)
            body(SocketWriter(context, isPlain: true), context)
        }.get()
        try await check(pair[1], channel)
        close(pair[1])
        try? await channel.close()
        try await group.shutdownGracefully()
    }

    private func read(_ descriptor: Int32, _ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < count {
            let length = Glibc.read(descriptor, &room, room.count)
            guard length > 0 else { break }
            bytes += room[..<length]
        }
        return bytes
    }

    @Test("What the kernel does not take at once waits, and nothing overtakes it")
    func order() async throws {
        let parts = [(0x61, 4 << 20), (0x62, 10), (0x63, 1 << 20), (0x64, 3)].map { byte, count in
            [UInt8](repeating: UInt8(byte), count: count)
        }
        let isWritten = Mutex(0)
        try await withPair { writer, context in
            for (index, part) in parts.enumerated() where index < 3 {
                let promise = context.eventLoop.makePromise(of: Void.self)
                promise.futureResult.whenSuccess { isWritten.withLock { $0 += 1 } }
                writer.write(ByteBuffer(bytes: part), isLast: index != 1, promise: promise)
            }
            writer.hold(ByteBuffer(bytes: parts[3]))
            writer.flush()
        } _: { descriptor, channel in
            #expect(isWritten.withLock { $0 } == 0)
            let expected = parts.flatMap { $0 }
            #expect(read(descriptor, expected.count) == expected)
            while isWritten.withLock({ $0 }) < 3 { try await channel.eventLoop.submit {}.get() }
        }
    }

    @Test("What is held back goes out before what is written after it, and with it")
    func held() async throws {
        try await withPair { writer, _ in
            writer.hold(ByteBuffer(string: "one "))
            writer.hold(ByteBuffer(string: "two "))
            writer.write(ByteBuffer(string: "three"))
        } _: { descriptor, _ in
            #expect(String(decoding: read(descriptor, 13), as: UTF8.self) == "one two three")
        }
    }

    @Test("After its end nothing reaches the socket's number, which may be another connection's by then")
    func ended() async throws {
        try await withPair { writer, context in
            writer.hold(ByteBuffer(string: "late"))
            writer.end()
            writer.flush()
            context.close(promise: nil)
            writer.write(ByteBuffer(string: "later"))
        } _: { descriptor, _ in
            #expect(read(descriptor, 1).isEmpty)
        }
    }
}
