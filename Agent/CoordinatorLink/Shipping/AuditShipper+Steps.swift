internal import AgentState
internal import Contract
internal import Errors
internal import Fetch
internal import Logging
internal import ServiceKit
internal import Spool
internal import StrictJSON
internal import Synchronization
internal import TransparencyLog

extension AuditShipper {
    var now: Duration { .nanoseconds(clock.boot()) }

    /// Does one thing, or waits until there is one.
    func step() async {
        lookForDoubt()
        let isNudged = isNudged.withLock { isNudged in
            defer { isNudged = false }
            return isNudged
        }
        if isNudged { machine.retry() }
        if isAsked.withLock({ $0 }) {
            machine.lookAgain()
            halted.withLock { $0 = nil }
            isAsked.withLock { $0 = false }
        }
        let urgent = isUrgent.withLock { $0 }
        let action = machine.next(now: now, durable: spool.durable, isUrgent: urgent)
        guard case .wait(let until) = action else {
            _ = await act(on: action)
            return
        }
        // The spool tells of each record that becomes durable from here on, and not of earlier ones.
        awaited.withLock { $0 = machine.awaited }
        guard spool.durable < machine.awaited else { return }
        // Woken now and then for the clock alone, which gives no signal.
        newsSeen = await news.wait(after: newsSeen, atMost: until.map { max(.zero, $0 - now) } ?? .seconds(60))
    }

    /// Does what the machine asks for; false if it did not work.
    func act(on action: UploadMachine.Action) async -> Bool {
        do {
            switch action {
            case .wait(let until):
                try await Task.sleep(
                    for: until.map { min(.milliseconds(100), max(.zero, $0 - now)) } ?? .milliseconds(20)
                )
            case .ask: try await ask()
            case .compare(let known): machine.compared(try await ownEdge(at: known.size))
            case .adopt(let edge): try await adopt(edge)
            case .goOn(let edge): try await goOn(behind: edge)
            case .upload(let edge, let size): return try await upload(from: edge, to: size)
            }
            return true
        } catch {
            if Task.isCancelled { return false }
            failed(error)
            return false
        }
    }

    private func ask() async throws {
        let response = try await client.request(method: "GET", path: "/v1/agent-log")
        if let deferral = Deferral(response, now: client.now) { throw deferral }
        guard let json = try CoordinatorAnswer.json(response) else {
            throw LinkError(.unexpected, "the coordinator did not say what it has of this machine's log")
        }
        let known = try proofs.known(try LogState(json))
        clockDifference = Self.difference(clock)
        machine.known(known.edge, recorded: spool.counts.recorded, now: now)
        report()
    }

    /// The right edge of the own log at a size.
    private func ownEdge(at size: UInt64) async throws -> MerkleFrontier {
        if size > 0 { try await spool.wait(for: size - 1) }
        var edge = machine.edge
        while edge.size < size {
            let count = Int(min(size - edge.size, 4096))
            let batch = try await spool.batch(from: edge.size, atMost: count, bytes: Self.longest)
            for hash in batch.hashes { edge.append(hash: hash) }
        }
        return edge
    }

    private func adopt(_ edge: MerkleFrontier) async throws {
        if edge.size < machine.edge.size {
            logger.error(
                "The coordinator has lost records that it had countersigned; they are sent again.",
                metadata: ["countersigned": "\(machine.edge.size)", "stored": "\(edge.size)"]
            )
        }
        do {
            try await spool.countersigned(edge)
            machine.adopted(edge)
        } catch let error as SpoolError where error.kind == .gone {
            machine.cannotAdopt(now: now)
            report()
        }
    }

    private func goOn(behind edge: MerkleFrontier) async throws {
        logger.warning(
            "This machine's records went back in time; its log goes on behind what is countersigned.",
            metadata: ["recorded": "\(spool.counts.recorded)", "countersigned": "\(edge.size)"]
        )
        try await spool.goOn(behind: edge)
        machine.adopted(edge)
    }

    /// Uploads a batch; false if it is not known what became of it.
    private func upload(from edge: MerkleFrontier, to size: UInt64) async throws -> Bool {
        try await client.key.load()
        var batch = try await spool.batch(from: edge.size, atMost: Int(size - edge.size), bytes: Self.longest)
        var next = edge
        for hash in batch.hashes { next.append(hash: hash) }
        let checkpoint = Checkpoint(origin: proofs.origin, size: next.size, root: next.root)
        let note = try client.key.sign(checkpoint)
        let body = LogUpload.body(old: Int(edge.size), note: note.bytes, lines: batch.takeLines())
        // What comes from here on may be another denial.
        isUrgent.withLock { $0 = false }
        do {
            let response = try await client.request(
                method: "POST",
                path: "/v1/agent-log",
                headers: [("content-type", LogUpload.mediaType)],
                body: body,
                isIdempotent: true
            )
            if let deferral = Deferral(response, now: client.now) { throw deferral }
            guard let json = try CoordinatorAnswer.json(response) else { throw Self.noReceipt }
            let head = try proofs.check(try LogReceipt(json), for: note, checkpoint)
            machine.uploaded(next)
            if deferral.withLock({ $0 }) != nil { logger.notice("The coordinator takes records again.") }
            deferral.withLock { $0 = nil }
            do { try watch.claimed(head) } catch { say(error) }
            return true
        } catch let deferral as Deferral {
            put(deferral, to: next.size)
            return false
        } catch let problem as Problem where problem.status < 500 {
            refused(problem)
            return false
        } catch let error as FetchError where error.sent == .no {
            machine.failed(now: now, chance: .random(in: 0...1))
            say(error)
            return false
        } catch {
            machine.lost(to: next.size, now: now, chance: .random(in: 0...1))
            say(error)
            return false
        }
    }

    private static let noReceipt = LinkError(.unexpected, "the coordinator gave no receipt")

    private func refused(_ problem: Problem) {
        switch problem.code {
        case "log_conflict": machine.conflicted(now: now, chance: .random(in: 0...1))
        case "log_forked": machine.halt(.forked, now: now)
        case SignatureRefusal.revokedKey.rawValue, SignatureRefusal.unknownKey.rawValue:
            machine.halt(.refused(problem.code), now: now)
        default:
            // Nothing was stored. A clock or a proxy can be the reason, and time can mend it.
            if problem.status == 401 {
                machine.failed(now: now, chance: .random(in: 0...1))
            } else {
                machine.halt(.rejected(problem.code), now: now)
            }
        }
        say(problem)
        report()
    }

    private func failed(_ error: any Error) {
        if let deferral = error as? Deferral { return put(deferral, to: nil) }
        if let problem = error as? Problem, problem.status < 500 { return refused(problem) }
        machine.failed(now: now, chance: .random(in: 0...1))
        say(error)
    }

    /// Leaves the coordinator alone for as long as it wants; once that lasts, the user is told.
    private func put(_ deferral: Deferral, to size: UInt64?) {
        machine.deferred(to: size, wait: deferral.wait, now: now, chance: .random(in: 0...1))
        let lasts = machine.deferredSince.map { now - $0 } ?? .zero
        let words =
            "the coordinator takes no records for now: \(deferral.words). They are kept, and sent again by themselves"
        trouble.withLock { $0 = ($0.count + 1, deferral.words) }
        guard lasts >= Self.patience || deferral.wait ?? .zero >= Self.patience else { return }
        let isNew = self.deferral.withLock { told in
            defer { told = words }
            return told == nil
        }
        if isNew {
            logger.warning("The coordinator takes no records for now.", metadata: ["error": "\(deferral.words)"])
        }
    }

    /// A machine that was put back to an earlier state while it ran does not know it: its wall clock does.
    ///
    /// And a coordinator whose log was restarted may have lost records that it had countersigned.
    private func lookForDoubt() {
        if epoch != watch.epoch {
            epoch = watch.epoch
            machine.doubt()
        }
        let difference = Self.difference(clock)
        guard abs(difference - clockDifference) > 2_000_000 else { return }
        clockDifference = difference
        machine.doubt()
    }

    static func difference(_ clock: MachineClock) -> Int64 { clock.wall() - clock.boot() / 1000 }

    private func say(_ error: any Error) {
        let words = (error as? any ExplainedError)?.message ?? "\(error)"
        trouble.withLock { $0 = ($0.count + 1, words) }
        // Waiting for the keyring is not news each time.
        if let error = error as? LinkError, error.isOfKeyring { return }
        logger.warning("Records could not be shipped.", metadata: ["error": "\(words)"])
    }

    /// Says once that it has halted.
    private func report() {
        let halt = machine.halt
        client.standing?.set(.logForked, halt == .forked)
        client.standing?.set(.logLost, halt == .lost)
        let isNew = halted.withLock { halted in
            defer { halted = halt }
            return halt != nil && halted != halt
        }
        if isNew, let halt { logger.error("Records are not shipped any more.", metadata: ["why": "\(halt.words)"]) }
    }
}

extension UploadMachine.Halt {
    /// Whether the coordinator will not take anything of this machine's log again.
    var isFinal: Bool {
        switch self {
        case .forked, .refused, .lost: true
        case .rejected: false
        }
    }

    /// One sentence for people.
    var words: String {
        switch self {
        case .forked: "the coordinator holds a log of this machine that contradicts its own"
        case .refused(let code): "the coordinator does not take this machine's key (\(code))"
        case .rejected(let code): "the coordinator does not take this machine's records (\(code))"
        case .lost: "the coordinator has lost records that it had countersigned"
        }
    }
}
