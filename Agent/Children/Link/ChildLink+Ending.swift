internal import Bridging
internal import Glibc
internal import NIOCore
internal import Upstreams

/// The end of a child: because nobody needs it, because it broke the protocol, or by itself.
extension ChildLink {
    /// Between the end of its input, SIGTERM and SIGKILL.
    private static let patience = TimeAmount.seconds(2)

    package func close() {
        delegate = nil
        switch phase {
        case .new: phase = .over
        case .starting: phase = .over
        case .running(let running): end(running)
        case .over: break
        }
    }

    /// Ends a child that may not go on: its entry, or a secret of it, is another one now.
    func stop() { fail(UpstreamError(.closed, "The server's program was ended, and the next call starts it anew.")) }

    /// Ends a child that cannot go on, and tells why.
    func fail(_ error: UpstreamError) {
        guard case .running(let running) = phase else {
            if case .starting = phase {
                phase = .over
                tell { $0.linkEnded(.notSent(error), status: nil) }
            }
            return
        }
        tell { $0.linkEnded(.afterSending(error), status: nil) }
        delegate = nil
        end(running)
    }

    /// The steps that the protocol has for it: no more input, a signal that can be handled, one that cannot.
    private func end(_ running: Running) {
        phase = .over
        leave()
        running.pipes.setReading(true)
        running.pipes.closeInput()
        let process = running.process
        loop.scheduleTask(in: Self.patience) { if process.status == nil { process.terminate() } }
        let pipes = NIOLoopBound(running.pipes, eventLoop: loop)
        loop.scheduleTask(in: Self.patience * 2) {
            process.kill()
            pipes.value.close()
        }
    }

    /// There will be no more messages.
    func fellSilent() {
        guard case .running(var running) = phase else { return }
        running.isSilent = true
        phase = .running(running)
        if running.process.status != nil { return finish(running) }
        // It cannot be spoken with any more, whatever else it does.
        let process = running.process
        loop.scheduleTask(in: .milliseconds(500)) { process.kill() }
    }

    /// The process has ended.
    func exited() {
        guard case .running(let running) = phase else { return }
        if running.isSilent { return finish(running) }
        // What it wrote last still lies in the pipe.
        running.pipes.setReading(true)
    }

    private func finish(_ running: Running) {
        phase = .over
        log?.end(.now())
        running.pipes.close()
        let words = words(running.process.status ?? 0)
        leave(because: hasAnswered ? nil : words)
        let error = UpstreamError(.closed, words)
        tell { $0.linkEnded(.afterSending(error), status: nil) }
        delegate = nil
    }

    /// Tells the server that this child is no longer one of its own.
    func leave(because failure: String? = nil) {
        guard let number else { return }
        server.left(number, failure: failure)
        self.number = nil
    }

    /// How it ended; and what it said, where it never got so far that it could have said something about a call.
    private func words(_ status: CInt) -> String {
        let signal = status & 0x7F
        let how = signal == 0 ? "with status \(status >> 8)" : "by signal \(signal)"
        let said = hasAnswered ? nil : log?.last.map { ", and said: \($0)" }
        return "The server's program ended \(how)\(said ?? "")."
    }
}
