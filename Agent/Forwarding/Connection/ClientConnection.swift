internal import MCP
internal import NIOCore
internal import StrictJSON
internal import Upstreams
internal import Wire

/// One connection of a client: reads its requests one after the other, and writes the answer of each.
///
/// It decides nothing: what bytes mean and what may be done is the business of `RequestReader` and `CallAuthorizer`, without
/// I/O, and what a server has to do with it is the business of `Call`. It belongs to the event loop.
final class ClientConnection: ChannelInboundHandler, LoopTurnMember {
    typealias InboundIn = ByteBuffer

    let path: DataPath
    let gate: Gate
    let listener: ListenerContext
    private(set) var context: ChannelHandlerContext?
    private(set) var writer: SocketWriter?

    /// What it does, how long it may take, and whether more is read.
    var state: StateMachine

    // Reading.
    /// Bytes that belong to the request that is being read, and to those behind it.
    var input = ByteBuffer()
    var reader: RequestReader
    var pace = PacedReading()

    /// Where the table of connections has it.
    var slot = -1

    /// The credential that was last found good on this connection, and whose it is.
    var known: KnownClient?
    /// Whose it is, as far as that is known; nil before a credential was shown.
    var owner: JSONText? { known?.name ?? (listener.isSocket ? Gate.local : nil) }
    /// What it holds, as the budget of all connections counts it.
    private(set) var held = 0

    // The request that is being served.
    var visit = RequestContext()
    /// Its head, and behind it its body.
    var request = ByteBuffer()
    var head = RequestHead.none
    /// What a server has to do with it; nil before it was let through, and once it is answered.
    var call: Call?
    /// The call before, whose client needs no more bytes; they are read for the sake of the server's connection.
    private(set) var draining: Call?
    /// Why the request, or what has become of it, is not looked at yet.
    var delayed: DelayedRequest?
    /// The page of the agent's own that it asks for.
    var page: PageRequest?

    // The endpoint of all servers.
    /// Whether it has no socket: the agent makes a request to itself, for a client of all servers.
    let isInner: Bool
    /// What hears the answer to such a request.
    var inner: InnerRequest?
    /// What is done for a request to the endpoint of all servers.
    var gathering: (any Gathering)?

    // The answer.
    /// Where the events of one are laid out.
    var events = EventChunk()
    /// Where answers and requests are laid out.
    var out = ByteBuffer()

    init(path: DataPath, listener: ListenerContext, isInner: Bool = false) {
        self.isInner = isInner
        self.path = path
        self.listener = listener
        gate = path.gate
        let configuration = gate.configuration
        reader = RequestReader(longestHead: configuration.longestHead, longestBody: configuration.longestBody)
        state = StateMachine(gate.bounds, now: gate.now())
    }

    /// Whether a client waits for an answer on it.
    var isBusy: Bool { state.phase == .answering && delayed == nil }

    var isWritable: Bool { state.isWritable }
    var lastActive: Int64 { state.lastActive }
    var deadline: Int64 { state.deadline }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        writer = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        // A stranger gets no answer at all: nothing tells it what is here.
        guard listener.isSameUser(context.channel), !path.isEnding else {
            context.close(promise: nil)
            return
        }
        state.opened()
        writer = SocketWriter(context, isPlain: true)
        path.table.add(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // The socket's number is free already, and what was read last may yet be answered.
        writer?.end()
        turnReached(.judge)
        state.closed()
        writer?.end()
        path.table.remove(self)
        loseRequest()
        input.release()
        out = ByteBuffer()
        reader.startAgain()
        account()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state.takesBytes else { return }
        let bytes = unwrapInboundIn(data)
        if pace.isDue(bytes.readableBytes) {
            pace.adjust(self, in: context.channel, path.shares, isWanted: !state.isReadingHeld)
        }
        input.append(received: bytes)
        holdReading(state.isTooMuch(input.readableBytes))
        account()
        if state.received() { path.turn.add(self, to: .judge) }
    }

    /// No handler behind this one wants to know.
    func channelReadComplete(context: ChannelHandlerContext) {
        if pace.isPaced { pace.hasRead(path.shares) }
    }

    func turnReached(_ step: LoopTurn.Step) {
        guard step == .judge else {
            writer?.flush()
            return
        }
        if state.takeJudging() { process() }
    }

    /// Holds reading back, or reads on.
    func holdReading(_ isHeld: Bool) {
        guard state.holdReading(isHeld) else { return }
        pace.set(!isHeld, in: context?.channel, path.shares)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        state.writable(context.channel.isWritable, gate.now())
        call?.exchange?.isReading = isWritable
        gathering?.clientWritable(isWritable)
        draining?.exchange?.isReading = isWritable
        armTable()
        call?.arm()
        account()
        context.fireChannelWritabilityChanged()
        // The next request waited for the last answers to be read.
        guard isWritable, state.phase == .reading, input.readableBytes > 0 else { return }
        if state.received() { path.turn.add(self, to: .judge) }
    }

    // MARK: Memory

    /// Tells the budget what this connection holds, where that is much.
    func account() {
        var sum = input.readableBytes + request.readableBytes + reader.joinedBody.count
        if let call { sum += call.collected.readableBytes + (call.list?.count ?? 0) + (call.exchange?.held ?? 0) }
        if !isWritable { sum += (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }
        if sum <= MemoryBudget.free { sum = 0 }
        guard sum != held else { return }
        let change = sum - held
        held = sum
        path.budget.charge(change)
    }

    /// All connections hold too much together, and of those that have to give way this one holds most.
    func giveUp() {
        if let call, call.isUnanswered, call.collected.readableBytes + (call.exchange?.held ?? 0) > 0 {
            call.stop(call.machine.crowded())
        } else {
            abort()
        }
        account()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Deadlines

    /// Sets when the next thing must have happened, beside that the client reads.
    func arm(_ time: Int64) {
        state.wait(until: time)
        armTable()
    }

    /// Sets the deadline of a request that is being read, by what has come of it.
    func armReading() {
        let missing: StateMachine.Missing =
            reader.isWaitingForBody
            ? .body : input.readableBytes > 0 ? .head : .request(isDraining: draining != nil)
        state.wait(for: missing, gate.now())
        armTable()
    }

    func armTable() {
        let deadline = state.deadline
        if deadline != .max { path.table.arm(deadline) }
    }

    /// Something should have happened by now.
    func deadlinePassed(_ now: Int64) {
        let isRequestBegun = reader.isWaitingForBody || input.readableBytes > 0
        switch state.deadlinePassed(now, isRequestBegun: isRequestBegun) {
        case .nothing: break
        case .refuseRequest: refuse(408, "The request did not come in time.")
        case .stopDraining: stopDraining()
        case .call: call?.deadlinePassed(now)
        case .close: abort()
        }
    }

    // MARK: The request at hand

    /// The request has its answer: what its call still reads is nothing to the client.
    func letGoOfRequest() {
        if let call, call.machine.isDraining { draining = call }
        call = nil
        gathering = nil
        delayed = nil
        request.release()
    }

    /// The client has gone, and with it whatever waited for an answer.
    func loseRequest() {
        gathering?.clientGone()
        gathering = nil
        page?.cancel()
        page = nil
        delayed = nil
        stopDraining()
        call?.clientDisconnected()
        call = nil
        request.release()
    }

    /// All of an answer was read that the client has long had.
    func drained(_ call: Call) {
        guard draining === call else { return }
        draining = nil
        if isInner { path.table.remove(self) }
    }

    var isDraining: Bool { draining != nil }

    /// Gives up the rest of an answer that the client has long had.
    func stopDraining() {
        guard let call = draining else { return }
        draining = nil
        call.stopDraining()
        if isInner, inner == nil { path.table.remove(self) }
    }

    // MARK: Closing

    /// The table is full: whatever this connection does, another needs its place.
    func evict() {
        abort()
    }

    /// Closes at once, so that a client whose stream is cut can see that it was.
    func abort() {
        if isInner { return breakInner() }
        writer?.flush()
        context?.close(promise: nil)
    }
}

extension RequestHead {
    /// A head before there is one.
    static let none = RequestHeadScanner().head
}
