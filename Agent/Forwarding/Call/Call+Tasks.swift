internal import MCP
internal import NIOCore
internal import Policy
internal import StrictJSON

// Tasks: calls that are answered before they are done.
extension Call {
    /// Takes note of what a response says of a task, before the call that it answers lets go of its slots.
    func noteTask(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>) {
        guard let news = TaskNews(envelope, bytes, method, asksForTask, gate) else { return }
        if news.isMade {
            add(news, tool: asked(.tool), at: server) { takePermit() }
        } else if let id = askedTask {
            hear(news, of: id, at: server)
        }
    }

    /// The same, of a response to a parked call.
    func noteTask(
        _ envelope: Envelope,
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ parked: ParkedCall,
        _ id: RequestID,
        in session: Session
    ) {
        guard let news = TaskNews(envelope, bytes, parked.method, parked.asksForTask, gate) else { return }
        if news.isMade {
            add(news, tool: parked.task, at: parked.server) { session.takeSlots(id) }
        } else if let task = parked.task {
            hear(news, of: task, at: parked.server)
        }
    }

    private func add(_ news: TaskNews, tool: JSONText?, at server: ServedServer, permit: () -> LimitPermit) {
        guard let tool, let id = news.id else { return }
        let gone = id.utf8.withUnsafeBufferPointer { id in
            gate.tasks.add(
                id,
                of: client,
                at: server.alias,
                tool: tool,
                timeout: server.timeout,
                permit: news.isOver ? LimitPermit() : permit(),
                now: gate.now()
            )
        }
        if let gone { gate.keepSlots(gone) }
        path.upkeep.wake()
    }

    private func hear(_ news: TaskNews, of id: JSONText, at server: ServedServer) {
        id.utf8.withUnsafeBufferPointer { id in
            gate.tasks.heard(of: id, client: client, server: server.alias, isOver: news.isOver, now: gate.now())
        }
    }

    /// What a request has to do with tasks: the tool that is to make one, or the id of the one that it asks for.
    var askedTask: JSONText? {
        switch method {
        case .toolsCall where asksForTask: asked(.tool)
        case .tasksGet, .tasksResult, .tasksCancel: asked(.task)
        default: nil
        }
    }

    /// The longest name that is kept; no tool has a longer one.
    private static let longestName = 1024

    /// The name that a request has for what it asks for; nil for one that is too long to be kept.
    ///
    /// Records have a hash in place of a name that is not plain, and no rule matches that.
    private func asked(_ kind: MCPMethod.ItemKind) -> JSONText? {
        let request = connection.request
        return request.withUnsafeReadableBytes { bytes in
            let asked = UnsafeRawBufferPointer(rebasing: bytes[body]).bindMemory(to: UInt8.self)
            guard let envelope = try? Envelope.scan(asked, limits: gate.messageLimits),
                let item = envelope.item, item.kind == kind
            else { return nil }
            return item.name.withText(in: asked) { $0.count <= Self.longestName ? JSONText(utf8: $0) : nil }
        }
    }
}

/// What a response says of a task; nil where it is about none.
private struct TaskNews {
    /// Whether it is the answer to the call of a tool.
    let isMade: Bool
    let id: JSONText?
    let isOver: Bool

    init?(
        _ envelope: Envelope,
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ method: MCPMethod,
        _ asksForTask: Bool,
        _ gate: Gate
    ) {
        guard envelope.kind == .response, let result = envelope.result else { return nil }
        switch method {
        case .toolsCall where asksForTask || envelope.resultType == .task: isMade = true
        case .tasksGet, .tasksResult, .tasksCancel: isMade = false
        default: return nil
        }
        let words = TaskWords(
            result: UnsafeBufferPointer(rebasing: bytes[result.range]),
            limits: gate.replyLimits
        )
        id = words?.id
        isOver = method == .tasksResult || words?.isOver ?? false
    }
}

extension Refusal {
    /// A task that this client did not make, as far as anybody knows.
    static let unknownTask = Refusal(
        code: .denied,
        reason: "unknown_task",
        message: "This client has made no such task at {server} since the agent started."
    )
}
