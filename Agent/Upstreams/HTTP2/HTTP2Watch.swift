import NIOCore

/// Watches over a connection that many exchanges share: one that has died in silence would take each of them, and those that
/// come after, with it.
final class HTTP2Watch {
    private let silence: TimeAmount
    private let patience: TimeAmount
    private var lastRead = NIODeadline.uptimeNanoseconds(0)
    private var timer: Scheduled<Void>?

    init(_ configuration: UpstreamConfiguration) {
        silence = configuration.maxSilence
        patience = configuration.maxPingWait
    }

    /// Something has come.
    func hasRead(at now: NIODeadline) { lastRead = now }

    /// An exchange begins; a connection that has been silent for long is asked at once.
    func begin(_ connection: HTTP2Connection) {
        guard timer == nil else { return }
        let now = connection.server.loop.now
        if now - lastRead > silence {
            ask(connection, at: now)
        } else {
            look(at: connection, in: silence)
        }
    }

    func end() {
        timer?.cancel()
        timer = nil
    }

    private func ask(_ connection: HTTP2Connection, at asked: NIODeadline) {
        connection.ping()
        timer = connection.server.loop.assumeIsolated().scheduleTask(in: patience) {
            self.timer = nil
            if self.lastRead < asked { return connection.fail(.silent) }
            self.goOn(connection)
        }
    }

    private func look(at connection: HTTP2Connection, in time: TimeAmount) {
        timer = connection.server.loop.assumeIsolated().scheduleTask(in: time) {
            self.timer = nil
            self.goOn(connection)
        }
    }

    private func goOn(_ connection: HTTP2Connection) {
        guard !connection.streams.isEmpty else { return }
        let now = connection.server.loop.now
        let rest = silence - (now - lastRead)
        if rest > .zero { look(at: connection, in: rest) } else { ask(connection, at: now) }
    }
}
