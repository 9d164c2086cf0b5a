internal import AuditLog
internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One connection of a client: reads its requests one after the other, and writes the answer of each.
///
/// It decides nothing: what bytes mean and what may be done is the business of `RequestReader` and `CallJudge`, which are
/// values without I/O, and what a server has to do with it is the business of `Call`. It belongs to the event loop.
final class ClientConnection: ChannelInboundHandler, LoopTurnMember {
    typealias InboundIn = ByteBuffer

    /// What the connection does.
    enum Phase {
        /// Nothing is read before the peer is known.
        case closed
        case reading
        /// A request has gone to a server or to a page, and has no answer yet.
        case answering
        /// The last answer has gone out; the client is left the time to read it.
        case ending
    }

    let path: DataPath
    let gate: Gate
    let door: Door
    private(set) var context: ChannelHandlerContext?
    private(set) var writer: SocketWriter?

    // Reading.
    var phase = Phase.closed
    /// Bytes that belong to the request that is being read, and to those behind it.
    var input = ByteBuffer()
    var reader: RequestReader
    var isProcessing = false
    /// Whether something was read in this turn of the loop that is not yet looked at.
    private var isRead = false
    private var isReadHeld = false
    private var headBegan: Int64 = .max

    // Kept for the table of connections.
    var slot = -1
    /// When the next thing must have happened, in nanoseconds: what the phase waits for, or that the client reads.
    var deadline: Int64 { min(phaseDeadline, readUntil) }
    private var phaseDeadline = Int64.max
    var lastActive: Int64

    /// The credential that was last found good on this connection, and whose it is.
    var known: KnownClient?
    /// Whose it is, as far as that is known; nil before a credential was shown.
    var owner: JSONText? { known?.name ?? (door.isSocket ? Gate.local : nil) }
    /// What it holds, as the budget of all connections counts it.
    private(set) var held = 0

    // The request that is being served.
    var visit = RequestContext()
    /// Its head, and behind it its body.
    var request = ByteBuffer()
    var head = RequestHead.none
    /// What a server has to do with it; nil before it was let through, and once it is answered.
    var call: Call?
    /// The one before, whose answer has bytes that nobody needs and that are read for the sake of the server's connection.
    private(set) var draining: Call?
    /// Why nobody looks at the request yet, or at what has become of it.
    var delayed: DelayedRequest?
    /// The page of the agent's own that it asks for.
    var page: PageRequest?

    // The answer.
    /// Where the events of one are laid out.
    var events = EventChunk()
    /// Whether the client's system takes more; asking the channel costs more than to remember it.
    private(set) var isWritable = true
    /// Until when the client must have read on, while more lies before it than its system takes.
    private var readUntil = Int64.max
    /// Where answers and requests are laid out.
    var out = ByteBuffer()

    init(path: DataPath, door: Door) {
        self.path = path
        self.door = door
        gate = path.gate
        let configuration = gate.configuration
        reader = RequestReader(longestHead: configuration.longestHead, longestBody: configuration.longestBody)
        lastActive = gate.now()
    }

    /// Whether somebody waits for an answer on it.
    var isBusy: Bool { phase == .answering && delayed == nil }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        writer = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        // A stranger gets no answer at all: nothing tells him what is here.
        guard door.isOurs(context.channel), !path.isEnding else {
            context.close(promise: nil)
            return
        }
        phase = .reading
        writer = SocketWriter(context, isPlain: true)
        path.table.add(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // The socket's number is free already, and what was read last may yet be answered.
        writer?.end()
        turnReached(.judge)
        phase = .closed
        writer?.end()
        path.table.remove(self)
        loseRequest()
        input = ByteBuffer()
        out = ByteBuffer()
        reader.startAgain()
        account()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        case .closed, .ending:
            return
        case .reading, .answering:
            break
        }
        input.append(received: unwrapInboundIn(data))
        holdReading((phase == .answering || !isWritable) && input.readableBytes > Self.mostPipelined)
        account()
        guard !isRead else { return }
        isRead = true
        path.turn.add(self, to: .judge)
    }

    /// Nobody behind wants to know.
    func channelReadComplete(context: ChannelHandlerContext) {}

    func turnReached(_ step: LoopTurn.Step) {
        guard step == .judge else {
            writer?.flush()
            return
        }
        guard isRead else { return }
        isRead = false
        process()
    }

    /// Holds reading back while more requests lie here than are served, so that the client's system holds back too; or
    /// reads on.
    func holdReading(_ isHeld: Bool) {
        guard isHeld != isReadHeld else { return }
        isReadHeld = isHeld
        try? context?.channel.syncOptions?.setOption(.autoRead, value: !isHeld)
    }

    private static let mostPipelined = 64 << 10

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        call?.exchange?.isReading = isWritable
        draining?.exchange?.isReading = isWritable
        readUntil = isWritable ? .max : gate.now() + gate.configuration.readerRest.nanoseconds
        arm(phaseDeadline)
        call?.arm()
        account()
        context.fireChannelWritabilityChanged()
        // The next request waited for the last answers to be read.
        guard isWritable, phase == .reading, input.readableBytes > 0, !isRead else { return }
        isRead = true
        path.turn.add(self, to: .judge)
    }

    // MARK: Memory

    /// Tells the budget what this connection holds, where that is much.
    func account() {
        var sum = input.readableBytes + request.readableBytes + reader.joinedBody.count
        if let call { sum += call.collected.readableBytes }
        if !isWritable { sum += (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }
        if sum <= MemoryBudget.free { sum = 0 }
        guard sum != held else { return }
        let change = sum - held
        held = sum
        path.budget.charge(change)
    }

    /// All connections hold too much together, and of those that have to give way this one holds most.
    func giveUp() {
        if let call, call.isUnanswered, call.collected.readableBytes > 0 {
            call.stop(call.machine.crowded())
        } else {
            breakOff()
        }
        account()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Deadlines

    /// Sets when the next thing must have happened, beside that the client reads.
    func arm(_ time: Int64) {
        phaseDeadline = time
        let deadline = deadline
        if deadline != .max { path.table.arm(deadline) }
    }

    /// Sets the deadline of a request that is being read, by what has come of it.
    func armReading() {
        let now = gate.now()
        if reader.isWaitingForBody {
            arm(now + gate.configuration.bodyRest.nanoseconds)
        } else if input.readableBytes > 0 {
            if headBegan == .max { headBegan = now }
            arm(headBegan + gate.configuration.headDeadline.nanoseconds)
        } else {
            arm(draining == nil ? .max : now + Self.longestDrain)
        }
    }

    /// How long the rest of an answer may take that the client has long had.
    private static let longestDrain: Int64 = 5_000_000_000

    /// A request is whole.
    func disarmReading() {
        headBegan = .max
        arm(.max)
    }

    /// Something should have happened by now.
    func deadlinePassed(_ now: Int64) {
        phaseDeadline = .max
        guard now < readUntil else { return breakOff() }
        switch phase {
        case .reading where reader.isWaitingForBody || input.readableBytes > 0:
            refuse(408, "The request did not come in time.")
        case .reading:
            stopDraining()
        case .answering:
            call?.deadlinePassed(now)
        case .ending:
            breakOff()
        case .closed:
            break
        }
    }

    // MARK: The request at hand

    /// The request has its answer: what its call still reads is nothing to the client.
    func letGoOfRequest() {
        if let call, call.machine.isDraining { draining = call }
        call = nil
        delayed = nil
        request = ByteBuffer()
    }

    /// The client has gone, and with it whatever waited for an answer.
    private func loseRequest() {
        page?.cancel()
        page = nil
        delayed = nil
        stopDraining()
        call?.clientDisconnected()
        call = nil
        request = ByteBuffer()
    }

    /// All of an answer was read that the client has long had.
    func drained(_ call: Call) {
        if draining === call { draining = nil }
    }

    /// Gives up the rest of an answer that the client has long had.
    func stopDraining() {
        guard let call = draining else { return }
        draining = nil
        call.stopDraining()
    }

    // MARK: Closing

    /// The table is full: whatever this connection does, another needs its place.
    func giveWay() {
        breakOff()
    }

    /// Closes at once, so that a client whose stream is cut can see that it was.
    func breakOff() {
        writer?.flush()
        context?.close(promise: nil)
    }
}

extension RequestHead {
    /// A head before there is one.
    static let none = RequestHeadScanner().head
}
