internal import NIOCore

/// Whether the client that asks is still there to hear the answer.
///
/// The server does not end what is being answered when its connection closes: what waits long has to look itself. It is
/// sent down the connection's pipeline, where `ConnectionDeadlines` keeps it for the request that is being answered.
/// Hummingbird's `consumeWithCancellationOnInboundClose` would do the same, but the connection closes after its answer.
final class DisconnectSignal: Sendable {
    private let ended: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation

    init() {
        (ended, continuation) = AsyncStream.makeStream()
    }

    /// The client has gone.
    func end() { continuation.finish() }

    /// Waits until the client has gone, or the task is cancelled.
    func wait() async {
        for await _ in ended {}
    }
}

extension Call {
    /// Runs a body that may take long, while the client waits for it; nil if the client has gone before.
    func cancelOnDisconnect<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value?
    ) async throws -> Value? {
        let disconnect = DisconnectSignal()
        // Without a connection, as in tests of the responder alone, no handler hears it and no client leaves.
        channel.triggerUserOutboundEvent(disconnect, promise: nil)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await disconnect.wait()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
