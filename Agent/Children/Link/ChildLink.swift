package import Bridging
package import NIOCore
internal import Upstreams

/// The pipes to one child, from the first message for it to its end; belongs to the event loop.
///
/// It holds itself while the child runs, so that a child whose user is gone is still ended.
package final class ChildLink: ServerLink {
    enum Phase {
        /// Nothing was started.
        case new
        /// The child is being started; what it is to be sent first.
        case starting([ByteBuffer])
        case running(Running)
        /// It was closed or has ended: the delegate hears nothing more.
        case over
    }

    /// A child that runs.
    struct Running {
        let process: ChildProcess
        let pipes: ChildPipes
        /// Whether it has closed its standard output.
        var isSilent = false
    }

    let server: StdioServer
    let loop: any EventLoop
    var phase = Phase.new
    weak var delegate: (any ServerLinkDelegate)?
    var lines: MessageLines
    var log: ChildLog?
    /// Whether a message has come.
    var hasAnswered = false
    /// Bytes of its standard output that were no message, since the last one that was.
    private var noise = 0
    private var wantsReading = true
    /// Number in its server's list, once it is there.
    var number: Int?

    /// What may wait for a child that is being started.
    private static let mostEarly = 64
    /// A program that prints and prints, and no message among it, is none that speaks the protocol.
    private static let mostNoise = 1 << 20

    init(_ server: StdioServer, loop: any EventLoop) {
        self.server = server
        self.loop = loop
        lines = MessageLines(longest: server.longestMessage)
    }

    /// No child is shown a credential of HTTP.
    package var authorization: [UInt8]?

    package var isReading: Bool {
        get { wantsReading }
        set {
            wantsReading = newValue
            if case .running(let running) = phase { running.pipes.setReading(newValue) }
        }
    }

    package func open(_ delegate: any ServerLinkDelegate) {
        guard case .new = phase else { return }
        self.delegate = delegate
        phase = .starting([])
        let own = NIOLoopBound(self, eventLoop: loop)
        Task { [server, loop] in
            let result = await server.start(stopping: { loop.execute { own.value.stop() } }) {
                loop.execute { own.value.exited() }
            }
            loop.execute { own.value.started(result) }
        }
    }

    package func send(_ message: ByteBuffer) {
        switch phase {
        case .starting(let early):
            guard early.count < Self.mostEarly else {
                return fail(UpstreamError(.noRoom, "Too much waits for the program to start."))
            }
            phase = .starting(early + [message])
        case .running(let running):
            guard running.pipes.write(message) else {
                return fail(UpstreamError(.closed, "The server does not read what it is sent."))
            }
        case .new, .over: break
        }
    }

    // MARK: Beginning

    private func started(_ result: Result<StartedChild, ChildFailure>) {
        switch result {
        case .failure(let failure):
            guard case .starting = phase else { return }
            phase = .over
            tell { $0.linkEnded(.notSent(failure.upstream), status: nil) }
        case .success(let child):
            number = child.number
            log = ChildLog(server.logger, secrets: child.secrets, left: server.metrics.linesLeftOut, now: .now())
            ChildPipes.open(
                child.pipes,
                on: loop,
                output: { [self] in received($0) },
                errors: { [self] in complained($0) }
            ).assumeIsolated().whenComplete { [self] result in
                switch result {
                case .failure:
                    child.process.kill()
                    leave()
                    fail(UpstreamError(.noRoom, "The agent has no room for the pipes of the server's program."))
                case .success(let pipes): run(child.process, pipes.value)
                }
            }
        }
    }

    private func run(_ process: ChildProcess, _ pipes: ChildPipes) {
        let early: [ByteBuffer]
        switch phase {
        case .starting(let waiting): early = waiting
        case .new, .running, .over:
            // Closed while it was being started.
            leave()
            pipes.close()
            return process.kill()
        }
        phase = .running(Running(process: process, pipes: pipes))
        // The line that the sandbox waits for.
        _ = pipes.write(ByteBuffer())
        pipes.setReading(wantsReading)
        tell { $0.linkOpened() }
        for message in early { send(message) }
        // One that has ended by now was not told of its end.
        if process.status != nil { exited() }
    }

    // MARK: Reading

    private func received(_ bytes: ByteBuffer?) {
        guard let bytes else { return fellSilent() }
        let messages: [ByteBuffer]
        do throws(MessageLines.Overlong) {
            messages = try lines.lines(bytes)
        } catch {
            let most = server.longestMessage >> 20
            return fail(UpstreamError(.malformedResponse, "The server's message is over \(most) MiB."))
        }
        for message in messages where message.readableBytes > 0 {
            guard case .running = phase else { return }
            if MessageLines.canBeMessage(message) {
                if !hasAnswered {
                    hasAnswered = true
                    server.answered()
                }
                noise = 0
                delegate?.linkReceived(message)
            } else {
                noise += message.readableBytes
                log?.take(noise: message, now: .now())
            }
        }
        if noise > Self.mostNoise {
            fail(UpstreamError(.malformedResponse, "What the server writes to its standard output is not MCP."))
        }
    }

    private func complained(_ bytes: ByteBuffer?) {
        guard let bytes else { return log?.end(.now()) ?? () }
        log?.take(bytes, now: .now())
    }

    /// Tells the delegate something, never from within one of its own calls.
    func tell(_ body: @escaping (any ServerLinkDelegate) -> Void) {
        guard let delegate else { return }
        let bound = NIOLoopBound((delegate, body), eventLoop: loop)
        loop.execute { bound.value.1(bound.value.0) }
    }
}
