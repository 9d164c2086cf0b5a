internal import MCP
internal import Upstreams

// How long the server may be silent.
extension Call {
    /// Sets the deadline, by the last byte that came from the server.
    func arm() {
        guard machine.isUnanswered else { return }
        guard connection.isWritable else {
            // Nothing is read from the server while its client has enough: its silence is not its own.
            connection.arm(.max)
            return
        }
        // On an open stream the server speaks when it has something to say.
        let isOpen = machine.kind.isOpenEnded && machine.isReadingEvents
        let silence = isOpen ? Int64.max : lastByte + server.timeout
        guard machine.state == .events(isCommitted: false) else { return connection.arm(silence) }
        connection.arm(min(silence, commitBy))
    }

    /// The server has been silent for so long; unless it waits for the client itself, that is the end.
    func deadlinePassed(_ now: Int64) {
        guard machine.isUnanswered else { return }
        if case .recording = machine.state {
            connection.arm(now + server.timeout)
            return
        }
        if machine.state == .events(isCommitted: false), now >= commitBy {
            // Clients and what lies between give up on a server that says nothing at all.
            openStream(isAlone: true)
            sendEvents(isLast: false)
            return
        }
        if let session = openSession {
            if session.isWaitingForClient {
                connection.arm(now + server.timeout)
                return
            }
            let since = max(lastByte, session.answered)
            guard now - since >= server.timeout else {
                connection.arm(since + server.timeout)
                return
            }
        }
        let canResume = machine.isReadingEvents && canResume
        if era == .handshake, facts != nil, method != .initialize, id != nil, !canResume {
            cancelNote.send("timeout", on: path)
        }
        exchange?.cancel(UpstreamError(.timeout, "The server is too slow."))
        exchange = nil
        perform(machine.timedOut(canResume: canResume))
    }
}
