internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The pipes of a running child on its event loop.
final class ChildPipes {
    /// What goes to the child before it reads; more is a child that does not read.
    private static let mostWaiting = 32 << 20
    /// So much of its standard error is read, then nothing until the pause is over: a flood is the child's own to wait for.
    private static let mostErrors = 256 << 10
    private static let errorPause = TimeAmount.milliseconds(100)

    private let input: any Channel
    private let output: any Channel
    private let errors: any Channel
    /// Bytes that the child has not taken yet.
    private var waiting = 0

    private init(input: any Channel, output: any Channel, errors: any Channel) {
        self.input = input
        self.output = output
        self.errors = errors
    }

    /// Takes the pipes over, also where it fails; nothing is read of the output before `setReading`.
    ///
    /// - Parameters:
    ///   - pipes: files that belong to this from now on.
    ///   - loop: on which this is called.
    ///   - said: told of what is read of the output; nil once there will be no more.
    ///   - complained: the same of the errors.
    /// - Returns: the pipes, on that loop.
    static func open(
        _ pipes: ChildProcess.Pipes,
        on loop: any EventLoop,
        output said: @escaping (ByteBuffer?) -> Void,
        errors complained: @escaping (ByteBuffer?) -> Void
    ) -> EventLoopFuture<NIOLoopBound<ChildPipes>> {
        let reading = channel(loop, PipeReader(said), pipes.output) {
            $0.takingOwnershipOfDescriptor(input: pipes.output)
        }
        let complaining = channel(loop, PipeReader(complained, atMost: mostErrors, pause: errorPause), pipes.errors) {
            $0.takingOwnershipOfDescriptor(input: pipes.errors)
        }
        let writing = channel(loop, nil, pipes.input) { $0.takingOwnershipOfDescriptor(output: pipes.input) }
        let all = [writing, reading, complaining]
        // One of them alone is of no use.
        return EventLoopFuture.whenAllComplete(all, on: loop).flatMapThrowing { results in
            do {
                let channels = try results.map { try $0.get() }
                let errors = channels[2]
                // It may be closed by now, and then there is nothing to read.
                try? errors.syncOptions?.setOption(.autoRead, value: true)
                errors.read()
                return NIOLoopBound(
                    ChildPipes(input: channels[0], output: channels[1], errors: errors),
                    eventLoop: loop
                )
            } catch {
                for case .success(let channel) in results { channel.close(promise: nil) }
                throw error
            }
        }
    }

    private static func channel(
        _ loop: any EventLoop,
        _ reader: PipeReader?,
        _ file: CInt,
        _ open: (NIOPipeBootstrap) -> EventLoopFuture<any Channel>
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(reader, eventLoop: loop)
        let bootstrap = NIOPipeBootstrap(group: loop).channelOption(.autoRead, value: false).channelInitializer {
            channel in
            channel.eventLoop.makeCompletedFuture {
                if let reader = bound.value { try channel.pipeline.syncOperations.addHandler(reader) }
            }
        }
        return open(bootstrap).flatMapErrorThrowing { error in
            _ = Glibc.close(file)
            throw error
        }
    }

    /// Whether the child's messages are read.
    func setReading(_ isReading: Bool) {
        try? output.syncOptions?.setOption(.autoRead, value: isReading)
        if isReading { output.read() }
    }

    /// Writes one message; false where so much waits for the child already that it is not reading at all.
    func write(_ message: ByteBuffer) -> Bool {
        guard waiting + message.readableBytes <= Self.mostWaiting else { return false }
        var line = message
        line.writeInteger(UInt8(ascii: "\n"))
        let count = line.readableBytes
        waiting += count
        let own = NIOLoopBound(self, eventLoop: input.eventLoop)
        input.writeAndFlush(line).whenComplete { _ in own.value.waiting -= count }
        return true
    }

    /// Tells the child that no more will come.
    func closeInput() { input.close(promise: nil) }

    /// Lets go of all of them.
    func close() {
        for channel in [input, output, errors] { channel.close(promise: nil) }
    }
}

/// Hands on what comes out of a pipe.
private final class PipeReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var told: ((ByteBuffer?) -> Void)?
    private let most: Int
    private let pause: TimeAmount
    /// What was read since the last pause.
    private var count = 0

    /// - Parameters:
    ///   - told: what to tell of it; nil at its end.
    ///   - most: the bytes after which nothing is read for a while.
    ///   - pause: that while.
    init(_ told: @escaping (ByteBuffer?) -> Void, atMost most: Int = .max, pause: TimeAmount = .zero) {
        self.told = told
        self.most = most
        self.pause = pause
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        count += most == .max ? 0 : bytes.readableBytes
        told?(bytes)
        guard count > most else { return }
        count = 0
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenComplete { _ in }
        context.eventLoop.scheduleTask(in: pause) { channel.setOption(.autoRead, value: true).whenComplete { _ in } }
    }

    func channelInactive(context: ChannelHandlerContext) {
        told?(nil)
        told = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
