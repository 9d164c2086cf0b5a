package import AuditLog
package import Contract
package import Database
package import StrictJSON
package import TransparencyLog

extension OrgLog {
    /// Begins a new epoch: from here on states of the log are signed under another name, so that none contradicts what
    /// was signed of it before and is not in it any more.
    ///
    /// All leaves that there are stay the beginning of the log. The number of an epoch is the time of its beginning in
    /// seconds: it rises even where a backup has forgotten an earlier restart.
    ///
    /// - Parameters:
    ///   - known: the newest state that is known of the log before; nil where nothing beyond what is here is known.
    ///   - who: who does it, one word.
    ///   - why: why, for people, up to 256 bytes.
    ///   - time: when, in microseconds since 1970.
    ///   - transaction: in which nothing else is done.
    /// - Returns: the first leaf of the epoch.
    /// - Throws: `AuditSinkError` for a stored log that is damaged, `LogError` for words that a leaf cannot hold.
    package func restart(
        known: Checkpoint?,
        who: JSONText,
        why: JSONText,
        at time: Int64,
        in transaction: SQLTransaction
    ) throws -> OrgLeaf.LogRestart {
        let head = try head(in: transaction)
        let base = Checkpoint(
            origin: key.names.audit(epoch: head.epoch),
            size: head.size,
            root: head.frontier.root
        )
        let earlier = max(head.epoch, known.flatMap { key.names.epoch(origin: $0.origin) } ?? 0)
        let restart = OrgLeaf.LogRestart(
            epoch: max(earlier + 1, Int(time / 1_000_000)),
            base: base,
            known: known ?? base,
            who: who,
            why: why
        )
        try append(.logRestart(restart), at: time, epoch: restart.epoch, in: transaction)
        return restart
    }

    /// The first leaf of the log's epoch with its proof; nil before any restart.
    package func restart(in view: some SQLReading) throws -> ProvenLeaf? {
        let epoch = try head(in: view).epoch
        guard epoch > 0 else { return nil }
        guard let position = try positions(kind: "log.restart", subject: String(epoch), in: view).first else {
            throw AuditSinkError.damaged("the log of epoch \(epoch) has no leaf that begins it")
        }
        return try proven(position, in: view)
    }

    /// The positions of the leaves of all restarts, oldest first.
    func restarts(in view: some SQLReading) throws -> [Int] {
        try view.rows("SELECT position FROM org_leaf WHERE kind = 'log.restart' ORDER BY position")
            .map { try $0.integer("position") }
    }

    /// The state in a note, if this coordinator has signed it as one of its log.
    package func state(note text: some Collection<UInt8>) -> Checkpoint? {
        guard let note = try? Note(parsing: text), let state = try? Checkpoint(parsing: note.text),
            key.names.epoch(origin: state.origin) != nil, note.isSigned(name: state.origin, key: key.publicKey)
        else { return nil }
        return state
    }

    /// Whether the leaves of a state are the first ones of this log.
    func holds(_ state: Checkpoint, in view: some SQLReading) throws -> Bool {
        let size = try head(in: view).size
        guard state.size <= size else { return false }
        return try OrgNodes(size: size, view: view).root(size: state.size) == state.root
    }

    /// Writes down that an agent has shown a state of an earlier epoch that this log does not hold.
    ///
    /// Once for each agent and epoch: what else was signed then is found with the agents.
    package func keep(seen state: Checkpoint, by agent: String, at time: Int64, in transaction: SQLTransaction) throws {
        guard let epoch = key.names.epoch(origin: state.origin), epoch < (try head(in: transaction)).epoch,
            try !holds(state, in: transaction)
        else { return }
        let isKept = try positions(kind: "log.seen", subject: agent, in: transaction).contains { position in
            let leaf = try OrgLeaf(parsing: try Self.leaf(at: position, in: transaction))
            guard case .logSeen(_, let other) = leaf.body else { return false }
            return other.origin == state.origin
        }
        guard !isKept else { return }
        try append(.logSeen(agent: JSONText(agent), state), at: time, in: transaction)
    }
}
