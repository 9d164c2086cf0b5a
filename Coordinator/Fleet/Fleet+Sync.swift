internal import AuditLog
internal import AuditSink
internal import Bytes
package import Contract
internal import Database
internal import Definitions
internal import People
internal import Policy
internal import PolicyFile
internal import PolicyStore
internal import Registry
package import Rights
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The versions that a machine has, as it says when it asks for news.
package struct SyncQuestion: Sendable, Equatable {
    /// The counter of its last answer; 0: it has nothing.
    package let after: Int
    /// The epoch of the organisation's log that it knows.
    package let epoch: Int
    /// The size of that log.
    package let orgSize: Int?
    /// A signed state of an earlier epoch that it could not find in this one; until an administrator has heard of it.
    package let seen: [UInt8]?
    /// The version of the policy that it has in force.
    package let policyVersion: Int?
    /// The release that it runs.
    package let release: String?

    /// A question of these parts; what no machine of ours says of itself counts as not said.
    package init(
        after: Int,
        epoch: Int = 0,
        orgSize: Int? = nil,
        seen: [UInt8]? = nil,
        policyVersion: Int? = nil,
        release: String? = nil
    ) {
        self.after = after
        self.epoch = epoch
        self.orgSize = orgSize
        self.seen = seen
        self.policyVersion = policyVersion.flatMap { $0 >= 0 ? $0 : nil }
        self.release = release.flatMap { Self.isRelease($0.utf8) ? $0 : nil }
    }

    private static func isRelease(_ text: String.UTF8View) -> Bool {
        (1...64).contains(text.count) && text.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

extension Fleet {
    /// How long a question may be held until there is something new: `GET /v1/agent/bundle`.
    package static let longestHold = Duration.seconds(25)
    /// How long a binding says who a person is, in seconds; with each bundle there comes a new one.
    static let bindingLife = 7 * 86_400

    /// Everything that is newer than what the machine has; waits for it as long as it may.
    ///
    /// - Parameters:
    ///   - question: what the machine has.
    ///   - machine: which one.
    ///   - hold: how long to wait until there is something.
    /// - Returns: what is new, or nil if nothing came up in time; for a machine that knows more than the coordinator
    ///   the coordinator's state, and for one of an earlier epoch everything.
    /// - Throws: the `Refused` `revoked_key` with the coordinator's signed word for it, also while it waits;
    ///   `CancellationError`.
    package func news(
        _ question: SyncQuestion,
        for machine: CallingMachine,
        hold: Duration = Fleet.longestHold
    ) async throws -> SyncAnswer? {
        try await note(question, of: machine.id)
        try await keep(seen: question.seen, by: machine.id)
        let end = ContinuousClock.now + hold
        while true {
            // Read before looking: a change after the look has then raised it once more.
            let version = revisions.changes.version
            let found = try await database.read { view in try answer(question, of: machine.id, in: view) }
            if let found { return found }
            guard try await changes(after: version, until: end) else { return nil }
        }
    }

    /// Whether something has changed before the time was up.
    private func changes(after version: Int, until end: ContinuousClock.Instant) async throws -> Bool {
        guard ContinuousClock.now < end else { return false }
        let reached = await revisions.changes.wait(after: version, atMost: end - .now)
        try Task.checkCancellation()
        return reached != version
    }

    /// Stores what the machine says of itself, where it has changed; other machines need not hear of it.
    private func note(_ question: SyncQuestion, of id: String) async throws {
        let stored = try await database.read { view in try StoredAgent.find(id: id, in: view) }
        guard let stored else { throw SignatureRefusal.unknownKey }
        let version = question.release ?? stored.version
        let policyVersion = question.policyVersion ?? stored.policyVersion
        guard version != stored.version || policyVersion != stored.policyVersion else { return }
        database.writeLater { transaction in
            try transaction.execute(
                "UPDATE agent SET version = ?, policy_version = ? WHERE agent_id = ?",
                [.text(version), .integer(policyVersion), .text(id)]
            )
        }
    }

    /// Writes down what a machine has seen of the log before it was restarted.
    private func keep(seen note: [UInt8]?, by id: String) async throws {
        guard let note, let state = log.state(note: note) else { return }
        let time = clock.wall()
        try await database.write { transaction in try log.keep(seen: state, by: id, at: time, in: transaction) }
    }

    // MARK: The answer

    private func answer(_ question: SyncQuestion, of id: String, in view: SQLSnapshot) throws -> SyncAnswer? {
        guard let agent = try StoredAgent.find(id: id, in: view) else { throw SignatureRefusal.unknownKey }
        guard !agent.isRevoked else { throw try log.revocation(of: id, in: view) }
        guard let row = try view.first("SELECT revision FROM person WHERE sub = ?", [.text(agent.sub)]),
            let person = try people.person(sub: agent.sub, in: view)
        else { throw SignatureRefusal.unknownKey }
        let personRevision = try row.integer("revision")
        let current = try revisions.current(in: view)
        let counter = max(current.bundle, current.entries, current.pins, personRevision)
        let head = try log.head(in: view)
        // Of another epoch it has nothing: what it counts by is another counter.
        let isEarlier = question.epoch < head.epoch
        let after = isEarlier ? 0 : question.after
        // A machine that knows more than the coordinator has seen a coordinator that was set back since. It is told the
        // coordinator's state at once, and decides itself what follows. Held, it would wait for changes that it takes
        // for old ones.
        let isAhead =
            question.epoch > head.epoch
            || !isEarlier && (after > counter || UInt64(max(question.orgSize ?? 0, 0)) > head.size)
        guard counter > after || isEarlier || isAhead else { return nil }

        let policy = try desk.current(in: view)
        let binding = try binding(of: person, policy, at: id, in: view)
        let isBundleNew = current.bundle > after && !isAhead
        // Which of the servers a person may know depends on all three.
        let isAnyNew = max(current.bundle, current.entries, personRevision) > after && !isAhead
        let arePinsNew = isAnyNew || current.pins > after && !isAhead
        let entries = try entries(for: person, binding, policy, in: view)
        let parts = SignedParts(
            bundle: policy.note,
            binding: try sign(binding, for: id, policyVersion: policy.version, life: try life(of: person, in: view)),
            entries: try sign(entries, deprecated: try registry.deprecated(in: view), for: id),
            pins: try sign(try definitions.pins(in: view), of: entries, for: id),
            org: head.checkpoint
        )
        return SyncAnswer(
            state: try sign(
                parts,
                for: id,
                lock: try Lock.find(sub: person.sub, machine: id, in: view),
                epoch: head.epoch,
                counter: counter
            ),
            bundle: isBundleNew ? parts.bundle : nil,
            // It is good for some days, from now on.
            binding: isAhead ? nil : parts.binding,
            entries: isAnyNew ? parts.entries : nil,
            pins: arePinsNew ? parts.pins : nil,
            orgCheckpoint: parts.org,
            consistency: try question.orgSize.flatMap { try log.consistency(from: $0, in: view) },
            restart: isEarlier ? try log.restart(in: view) : nil
        )
    }

    /// The servers that a person may know: all of them for a person who may read the registry, for others those on
    /// which the person has a grant.
    func entries(
        for person: Person,
        _ binding: Binding,
        _ policy: AppliedPolicy,
        in view: SQLSnapshot
    ) throws -> [ServerEntry] {
        let all = try registry.entries(in: view).map(\.server)
        if let role = person.role, role >= Right.readServers.role { return all }
        let snapshot = PolicySnapshot(
            rules: policy.rules,
            binding: binding,
            version: policy.version,
            digest: policy.digest
        )
        return all.filter { snapshot.knows(server: JSONText($0.alias)) }
    }

    // MARK: Signing

    /// The notes that a machine has once it has taken an answer.
    private struct SignedParts {
        let bundle: String?
        let binding: String
        let entries: String
        let pins: String
        let org: String
    }

    private func sign(_ binding: Binding, for id: String, policyVersion: Int, life: Int) throws -> String {
        let document = BindingDocument(
            agentID: id,
            policyVersion: policyVersion,
            expires: UTCTime(seconds: clock.seconds + life),
            binding: binding.members
        )
        return try sign(document.json, origin: log.key.names.binding)
    }

    private func sign(_ entries: [ServerEntry], deprecated: [JSONText: String], for id: String) throws -> String {
        let known = Set(entries.map { JSONText($0.alias) })
        let document = EntriesDocument(
            agentID: id,
            entries: entries,
            deprecated: deprecated.filter { known.contains($0.key) }
        )
        return try sign(document.json, origin: log.key.names.entries)
    }

    /// Of the servers that a person may know.
    private func sign(
        _ pins: [JSONText: PinsDocument.Tools],
        of entries: [ServerEntry],
        for id: String
    ) throws -> String {
        let aliases = Set(entries.map { JSONText($0.alias) })
        let document = PinsDocument(agentID: id, servers: pins.filter { aliases.contains($0.key) })
        return try sign(document.json, origin: log.key.names.pins)
    }

    private func sign(
        _ parts: SignedParts,
        for id: String,
        lock: Lock?,
        epoch: Int,
        counter: Int
    ) throws -> String {
        let document = StateDocument(
            agentID: id,
            epoch: epoch,
            counter: counter,
            made: UTCTime(microseconds: Int(clock.wall())),
            expires: UTCTime(seconds: clock.seconds + Self.bindingLife),
            bundle: try parts.bundle.map(Self.digest),
            binding: try Self.digest(parts.binding),
            entries: try Self.digest(parts.entries),
            pins: try Self.digest(parts.pins),
            org: try Self.digest(parts.org),
            lock: lock.map { MachineLock(since: $0.since, why: $0.why, isLapse: $0.isLapse) }
        )
        return try sign(document.json, origin: log.key.names.state)
    }

    private static func digest(_ note: String) throws -> Hash { .of(try Note(parsing: note.utf8).text) }

    private func sign(_ json: JSONValue, origin: String) throws -> String {
        let note = try Note.sign(
            try SignedDocument.text(json, origin: origin),
            name: origin,
            key: log.key.signing
        )
        return String(decoding: note.bytes, as: UTF8.self)
    }
}
