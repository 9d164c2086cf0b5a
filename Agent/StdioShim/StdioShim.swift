internal import Fetch
internal import NIOCore
internal import NIOPosix
internal import Upstreams

/// `doorward stdio`: lets a client that only launches commands speak to the agent.
package enum StdioShim {
    /// Runs until standard input has ended, or until the client reads no more.
    ///
    /// - Parameters:
    ///   - configuration: what to connect to.
    ///   - input: where the client's messages come from, one a line.
    ///   - output: where messages for the client go.
    ///   - note: takes words for people, a line each.
    /// - Throws: `UpstreamError` where the address of the agent's socket is none.
    package static func run(
        _ configuration: ShimConfiguration,
        input: Int32,
        output: Int32,
        note: @escaping @Sendable (String) -> Void
    ) async throws {
        let endpoint = try UpstreamEndpoint(unixSocket: configuration.socketPath, target: configuration.target)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let done = loop.makePromise(of: Void.self)
        try await loop.submit {
            let pool = try UpstreamPool(loop: loop, proxies: .none, configuration: bounds(of: configuration))
            let shim = Shim(
                configuration,
                agent: pool.server(for: endpoint),
                loop: loop,
                output: output,
                note: note,
                done: { done.succeed() }
            )
            let bound = NIOLoopBound(shim, eventLoop: loop)
            guard LineReader.start(input, on: loop, { bound.value.received($0) }) else { throw UpstreamError.noThread }
        }.get()
        try await done.futureResult.get()
    }

    /// The agent itself bounds what runs, and here nothing is to be given up before it.
    private static func bounds(of configuration: ShimConfiguration) -> UpstreamConfiguration {
        var bounds = UpstreamConfiguration()
        bounds.failuresBeforePause = .max
        bounds.maxWaiting = 2 * configuration.mostRequests
        bounds.waitTimeout = .hours(24)
        return bounds
    }
}
