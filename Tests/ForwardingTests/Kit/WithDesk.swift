import Forwarding
import Policy

/// Runs a test beside a server that answers as told, and a desk in front of it; both end with the test.
func withDesk(
    _ answer: @escaping @Sendable (FakeUpstream.Request) -> [FakeUpstream.Step],
    policy: PolicySnapshot? = nil,
    credentials: FakeCredentials? = nil,
    timeout: Duration = .seconds(10),
    configuration: ForwardingConfiguration = ForwardingConfiguration(),
    _ body: (Desk, FakeUpstream) async throws -> Void
) async throws {
    let upstream = try await FakeUpstream(answer)
    let desk = try await Desk(
        [try upstream.entry(timeout: timeout, needsCredential: credentials != nil)],
        policy: policy,
        credentials: credentials ?? FakeCredentials(),
        configuration: configuration
    )
    do {
        try await body(desk, upstream)
    } catch {
        await desk.stop()
        await upstream.stop()
        throw error
    }
    await desk.stop()
    await upstream.stop()
}
