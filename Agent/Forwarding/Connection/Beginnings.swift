internal import NIOCore
internal import Spool

/// Calls whose beginnings are laid out in the spool: they go out once those stand in its file.
///
/// All that begin in one turn of the event loop share one write. Under load a turn brings many, and the write costs a
/// tenth of everything else that the agent does for a call.
final class Beginnings {
    private let loop: any EventLoop
    private var spool: Spool?
    private var calls: [(connection: ClientConnection, number: Int)] = []

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Takes the call of a connection in, which hears by `recorded` at the end of this turn.
    func add(_ connection: ClientConnection, in spool: Spool) {
        if let other = self.spool, other !== spool { write() }
        self.spool = spool
        if calls.isEmpty { loop.assumeIsolated().execute { self.write() } }
        calls.append((connection, connection.number))
    }

    private func write() {
        guard let spool, !calls.isEmpty else { return }
        let isWritten = (try? spool.write()) != nil
        self.spool = nil
        let begun = calls
        calls = []
        for (connection, number) in begun { connection.recorded(isWritten, for: number) }
    }
}
