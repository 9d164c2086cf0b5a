internal import AuditLog
internal import AuditSink
internal import Database
internal import Errors
internal import Glibc
package import ServiceKit
package import StrictJSON
internal import TransparencyLog

/// `doorward-coordinator restart-log`: after a restore from a backup, says so in the organisation's log, under a new name.
///
/// Without it, agents that have seen more of the log than the backup holds take nothing any more: to them the coordinator
/// shows another history. With it they go on by themselves.
package struct LogRestart: Sendable {
    /// What was asked for.
    package struct Options: Sendable {
        package var data: String
        package var reason: String
        package var oldHead: String?

        package init(data: String, reason: String, oldHead: String?) {
            self.data = data
            self.reason = reason
            self.oldHead = oldHead
        }
    }

    /// What was done.
    package struct Outcome: Sendable {
        /// The number of the epoch that has begun.
        package let epoch: Int
        /// The name under which the log's states are signed from now on.
        package let origin: String
        private let leaf: OrgLeaf.LogRestart

        init(_ leaf: OrgLeaf.LogRestart, names: LogNames) {
            self.leaf = leaf
            epoch = leaf.epoch
            origin = names.audit(epoch: leaf.epoch)
        }

        /// What `--json` prints.
        package var json: JSONValue {
            [
                "epoch": .int(epoch), "origin": .text(origin), "reason": .string(leaf.why), "by": .string(leaf.who),
                "old": Self.state(leaf.base), "known": Self.state(leaf.known),
            ]
        }

        private static func state(_ state: Checkpoint) -> JSONValue {
            ["origin": .text(state.origin), "size": .int(Int(state.size)), "root": .text(state.root.base64)]
        }

        /// The same for people.
        package var words: [String] {
            var words = ["The organisation's log goes on as \(origin), from its \(leaf.base.size) leaves."]
            if leaf.known.size > leaf.base.size {
                words.append(
                    "\(leaf.known.size - leaf.base.size) leaves that were signed before are lost, and it says so."
                )
            }
            words.append("Start the coordinator; agents go on by themselves and send the records that they still have.")
            words.append(
                "Look at `doorward admin agents list`: what was revoked after the backup is not revoked any more."
            )
            return words
        }
    }

    private let folder: DataFolder
    private let reason: JSONText
    private let oldHead: String?
    private let clock: MachineClock

    /// Reads what was asked for; throws a `CoordinatorError`, `usage`, for what cannot be.
    package init(_ options: Options, clock: MachineClock = .system) throws {
        folder = DataFolder(options.data)
        reason = JSONText(options.reason)
        guard (1...200).contains(options.reason.utf8.count),
            options.reason.unicodeScalars.allSatisfy({ !Self.isInvisible($0.properties.generalCategory) })
        else {
            throw CoordinatorError(
                .usage,
                "--reason is not 1 to 200 bytes of plain text.",
                next: "Give one like --reason 'disk lost, restored from the backup of Sunday'"
            )
        }
        oldHead = options.oldHead
        self.clock = clock
    }

    private static func isInvisible(_ category: Unicode.GeneralCategory) -> Bool {
        switch category {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
        default: false
        }
    }

    /// Restarts the log; the coordinator must not run.
    ///
    /// - Throws: `CoordinatorError`: `running`, `usage` for a state that this coordinator has not signed.
    package func run() async throws -> Outcome {
        let setup = try Setup.read(from: folder)
        let lock = try folder.lock()
        defer { lock.release() }
        let log = OrgLog(key: try setup.key(in: folder))
        let known = try oldHead.map { try Self.state($0, signedBy: log) }
        let database = try SQLDatabase(path: folder.database)
        defer { try? database.close() }
        let (who, why, now) = (JSONText("uid:\(getuid())"), reason, clock.wall())
        let leaf = try await database.write { transaction in
            try log.check(in: transaction)
            return try log.restart(known: known, who: who, why: why, at: now, in: transaction)
        }
        return Outcome(leaf, names: setup.names)
    }

    private static func state(_ file: String, signedBy log: OrgLog) throws -> Checkpoint {
        guard let bytes = try DurableFile.read(file, maxBytes: 64 << 10), let state = log.state(note: bytes) else {
            throw CoordinatorError(
                .usage,
                "\(file) is no state of the log that this coordinator has signed.",
                next:
                    "Name a note that an agent keeps: org.note, or one in the folder that its `doorward status` names."
            )
        }
        return state
    }
}
