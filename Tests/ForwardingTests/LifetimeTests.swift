import NIOCore
import Testing

@testable import Forwarding

extension RealSockets {
    @Suite("What is left of calls")
    struct LifetimeTests {
        /// The one connection of a client and its call, for as long as somebody else keeps them.
        private final class Left {
            weak var connection: ClientConnection?
            weak var call: Call?

            init(_ connection: ClientConnection?) {
                self.connection = connection
                call = connection?.call
            }
        }

        private static let progress =
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#

        /// Begins a call whose answer waits for the latch, does something, and waits until connection and call are gone.
        private func left(
            _ latch: Latch,
            _ body: (Desk, RawClient, NIOLoopBound<Left>) async throws -> Void
        ) async throws {
            try await withDesk({ _ in
                [.events(), .event(Self.progress), .wait(latch), .event(Desk.result()), .lastChunk]
            }) { desk, _ in
                let client = try await desk.client()
                try await client.send(desk.call())
                try await client.wait { $0.text.contains("progress") }
                let left = await desk.service.onLoop { path in
                    NIOLoopBound(Left(path.table.connections.first), eventLoop: path.loop)
                }
                let isHeld = await desk.service.onLoop { _ in left.value.call != nil }
                #expect(isHeld)
                try await body(desk, client, left)
                await client.close()
                try await desk.wait { _ in left.value.connection == nil && left.value.call == nil }
                latch.open()
            }
        }

        @Test("A call that was answered ends before its connection, which serves the next")
        func answered() async throws {
            let latch = Latch()
            try await left(latch) { desk, client, left in
                latch.open()
                _ = try await client.answer()
                try await desk.wait { _ in left.value.call == nil }
                try await client.send(desk.call())
                _ = try await client.answer()
                let isThere = await desk.service.onLoop { _ in left.value.connection != nil }
                #expect(isThere)
            }
        }

        @Test("A call whose client has gone keeps nothing")
        func abandoned() async throws {
            try await left(Latch()) { _, _, _ in }
        }
    }
}
