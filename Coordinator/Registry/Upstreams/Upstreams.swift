internal import AuditSink
internal import Contract
internal import Database
package import Fetch
package import Rights
internal import ServiceKit
internal import StrictJSON

/// The registries that are asked what there is: on a schedule, or once when an administrator says so.
///
/// What they say becomes proposals and nothing more. One that is away, or says nothing of a server any more, takes nothing
/// out of use.
package struct Upstreams: Sendable {
    private let registry: Registry
    private let client: UpstreamClient
    private var database: SQLDatabase { registry.database }

    /// How long a scheduled round may take, and one that somebody waits for.
    private static let patience = Duration.seconds(600)
    private static let shortPatience = Duration.seconds(45)
    /// Clocks differ: what has changed so many seconds before the last answer is asked for once more.
    private static let overlap = 3600
    /// Seconds until a failed round is tried again, doubled with each failure up to the interval.
    private static let firstDelay = 60

    package init(registry: Registry, fetcher: Fetcher, credentials: UpstreamCredentials) {
        self.registry = registry
        client = UpstreamClient(fetcher: fetcher, credentials: credentials)
    }

    // MARK: Looking

    /// How each of them does, in the order of the settings.
    package func standings(for _: Permit<Right.ReadServers>) async throws -> [UpstreamStanding] {
        try await database.read { view in
            try RegistrySettings.stored(in: view).upstreams.map { setting in
                let waiting = try view.first(
                    "SELECT COUNT(*) AS count FROM proposal WHERE source = ? AND state = 'waiting'",
                    [.text(setting.name)]
                )
                return try UpstreamStanding(
                    setting,
                    row: try Self.row(of: setting, in: view),
                    waiting: try waiting?.integer("count") ?? 0
                )
            }
        }
    }

    private static func row(of setting: UpstreamSetting, in view: some SQLReading) throws -> SQLRow? {
        let key: [SQLValue] = [.text(setting.name), .text(setting.json.json)]
        return try view.first("SELECT * FROM upstream WHERE name = ? AND setting = ?", key)
    }

    // MARK: On a schedule

    /// One round: what became of it.
    package struct Round: Sendable {
        package let upstream: String
        /// How many proposals are new; nil: it has failed.
        package let proposals: Int?
        package let error: String?
    }

    /// Asks the registry that is due first; nil where none is.
    ///
    /// - Throws: what the database throws; `CancellationError`.
    package func askNext() async throws -> Round? {
        let now = Int(registry.clock.wall() / 1_000_000)
        guard let (setting, since) = try await claim(at: now) else { return nil }
        do {
            let answer = try await client.servers(of: setting, since: since, within: Self.patience)
            let count = try await take(answer, of: setting, at: now)
            return Round(upstream: setting.name, proposals: count, error: nil)
        } catch let error as UpstreamFailure {
            let words = [error.message, error.next].compactMap { $0 }.joined(separator: " ")
            try await fail(setting, words, at: now)
            return Round(upstream: setting.name, proposals: nil, error: words)
        } catch let refused as Refused {
            try await fail(setting, refused.message, at: now)
            return Round(upstream: setting.name, proposals: nil, error: refused.message)
        }
    }

    /// The registry that is due first, which nobody else asks meanwhile.
    private func claim(at now: Int) async throws -> (UpstreamSetting, since: Int?)? {
        // Most of the time there is nothing to write.
        guard try await database.read({ view in try Self.due(at: now, in: view) }) != nil else { return nil }
        return try await database.write { transaction in
            guard let (setting, row) = try Self.due(at: now, in: transaction) else { return nil }
            if row == nil {
                try transaction.execute("DELETE FROM upstream WHERE name = ?", [.text(setting.name)])
                try transaction.execute(
                    "INSERT INTO upstream (name, setting, next_at) VALUES (?, ?, ?)",
                    [.text(setting.name), .text(setting.json.json), .integer(now)]
                )
            }
            try transaction.execute(
                "UPDATE upstream SET next_at = ?, tried_at = ? WHERE name = ?",
                [.integer(now + setting.every), .integer(now), .text(setting.name)]
            )
            return (setting, try row?.optionalInteger("since"))
        }
    }

    private static func due(at now: Int, in view: some SQLReading) throws -> (UpstreamSetting, SQLRow?)? {
        let all = try RegistrySettings.stored(in: view).upstreams.map { ($0, try row(of: $0, in: view)) }
        return try all.first { _, row in try row.map { try $0.integer("next_at") <= now } ?? true }
    }

    private func take(_ answer: UpstreamClient.Answer, of setting: UpstreamSetting, at now: Int) async throws -> Int {
        try await database.write { transaction in
            // The settings may have changed meanwhile: then it is no upstream any more, or another one.
            guard try Self.row(of: setting, in: transaction) != nil else { return 0 }
            let new = try propose(answer.servers, source: setting.name, by: nil, at: now, in: transaction)
            try transaction.execute(
                """
                UPDATE upstream SET succeeded_at = ?1, since = ?2, failures = 0, error = NULL, skipped = ?3, problems = ?4
                WHERE name = ?5
                """,
                [
                    .integer(now), .integer(now - Self.overlap), .integer(answer.skipped),
                    .blob(JSONValue.array(answer.problems.map(\.json)).bytes), .text(setting.name),
                ]
            )
            return new.count
        }
    }

    private func fail(_ setting: UpstreamSetting, _ error: String, at now: Int) async throws {
        try await database.write { transaction in
            guard let row = try Self.row(of: setting, in: transaction) else { return }
            let failures = min(try row.integer("failures") + 1, 16)
            let delay = min(Self.firstDelay << (failures - 1), setting.every)
            try transaction.execute(
                "UPDATE upstream SET failures = ?, error = ?, next_at = ? WHERE name = ?",
                [.integer(failures), .text(error), .integer(now + delay), .text(setting.name)]
            )
        }
    }

    /// Has an upstream registry asked within seconds; throws a `Refused`, `unknown_upstream`.
    package func askSoon(_ name: String, by permit: Permit<Right.EditServers>) async throws {
        let now = Int(registry.clock.wall() / 1_000_000)
        try await database.write { transaction in
            _ = try registry.log.standing(permit, at: now, in: transaction)
            let settings = try RegistrySettings.stored(in: transaction).upstreams
            guard settings.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
                throw Refused.unknownUpstream
            }
            try transaction.execute("UPDATE upstream SET next_at = ? WHERE name = ?", [.integer(now), .text(name)])
        }
    }

    // MARK: Once

    /// Takes in what a URL has: a registry's newest versions, or one `server.json`.
    ///
    /// - Parameters:
    ///   - upstream: the registry.
    ///   - permit: the person who brings it in.
    /// - Returns: what became of it.
    /// - Throws: `Refused`: `upstream_failed`, `proposals_full`.
    package func bringIn(
        _ upstream: UpstreamSetting,
        by permit: Permit<Right.EditServers>
    ) async throws -> Registry.Imported {
        let source = WebURL(upstream.url)?.origin ?? upstream.url
        let answer: UpstreamClient.Answer
        do {
            answer = try await read(upstream)
        } catch let error as UpstreamFailure {
            throw Refused.upstreamFailed(source, error.message, next: error.next)
        }
        let wall = registry.clock.wall()
        let now = Int(wall / 1_000_000)
        return try await database.write { transaction in
            let who = try registry.log.standing(permit, at: now, in: transaction).sub
            var imported = Registry.Imported()
            imported.proposals = try propose(answer.servers, source: source, by: who, at: now, in: transaction)
                .map { try registry.listed($0, in: transaction) }
            let new = Set(imported.proposals.map(\.proposal.name))
            imported.unchanged = answer.servers.map(\.name).filter { !new.contains($0) }
            imported.problems = answer.problems
            if !imported.proposals.isEmpty {
                let ids = JSONValue.array(imported.proposals.map { .text($0.proposal.id) })
                try registry.state("proposals", before: nil, after: ids.bytes, by: who, at: wall, in: transaction)
            }
            return imported
        }
    }

    private func read(_ upstream: UpstreamSetting) async throws -> UpstreamClient.Answer {
        guard upstream.url.hasSuffix(".json") else {
            return try await client.servers(of: upstream, since: nil, within: Self.shortPatience)
        }
        let json = try await client.document(upstream, within: Self.shortPatience)
        do {
            var answer = UpstreamClient.Answer()
            answer.servers = [try UpstreamServer(["server": json])]
            return answer
        } catch let error as ShapeError {
            throw UpstreamFailure("It is no server.json: \(error).")
        }
    }

    private func propose(
        _ servers: [UpstreamServer],
        source: String,
        by who: String?,
        at now: Int,
        in transaction: SQLTransaction
    ) throws -> [Proposal] {
        var new: [Proposal] = []
        for server in servers {
            let proposal = Proposal(
                source: source,
                document: server.document,
                status: server.status,
                statusMessage: server.statusMessage,
                madeAt: now
            )
            if try registry.propose(proposal, by: who, in: transaction) { new.append(proposal) }
        }
        return new
    }
}
