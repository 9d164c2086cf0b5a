package import AgentState
internal import Contract
internal import Errors
internal import Fetch
internal import Glibc
internal import Keyring
package import Spool
internal import StrictJSON

extension Enrolment {
    /// Leaves the coordinator: ships what is pending, says so, and takes key and membership away; what the user has
    /// configured stays.
    ///
    /// It always comes to an end. What the coordinator takes for good no more (revoked, unknown, forked) is kept; what
    /// it could still take, and cannot now, is a reason to refuse, but for `isOffline`. Where a crash or a lost answer
    /// leaves a machine that only the coordinator has let go, the next try ends it.
    ///
    /// - Parameters:
    ///   - client: Asks in the name of what is left.
    ///   - spool: Its records.
    ///   - isOffline: Whether the user wants to leave without the coordinator.
    ///   - ship: Ships what is pending, and says how far that went.
    /// - Returns: What it came to. The records are where they were: `keepAside` is for when no process has them open.
    /// - Throws: `.pending` where records wait that the coordinator could still take, `.locked` and `.unavailable` for
    ///   a keyring that cannot be asked; then nothing has changed.
    package func leave(
        _ client: CoordinatorClient,
        spool: Spool,
        isOffline: Bool,
        ship: () async -> ShippingEnd
    ) async throws -> Departure {
        var departure = Departure(client.membership)
        // Before anybody is told: what is told cannot be taken back, and the key has to go.
        let hasKey = try await canSign(client, isOffline: isOffline)
        let end =
            hasKey
            ? isOffline ? ShippingEnd.later("`--offline` waits for nobody") : await ship()
            : .never("this machine's key cannot be had")
        switch end {
        case .all: break
        case .never(let why): departure.unshipped = why
        case .later(let why):
            departure.unshipped = why
            if !isOffline { try await checkPending(spool, why) }
        }
        return try await finish(departure, client, hasKey: hasKey, isOffline: isOffline)
    }

    /// Leaves the coordinator with records that cannot be opened, which stay where they are.
    ///
    /// - Parameters:
    ///   - membership: What is left.
    ///   - unopened: Why they cannot be opened, as a message.
    ///   - isOffline: Whether the user accepts that.
    /// - Returns: What it came to.
    /// - Throws: `.pending` if the user does not accept that.
    package func leave(_ membership: Membership, unopened: String, isOffline: Bool) async throws -> Departure {
        guard isOffline else { throw Self.pending("The records of this machine cannot be opened", unopened) }
        let key = MachineKey(membership, secrets: secrets)
        let client = CoordinatorClient(membership, key: key, fetcher: fetcher, clock: clock)
        var departure = Departure(membership)
        departure.unshipped = unopened
        let hasKey = try await canSign(client, isOffline: true)
        return try await finish(departure, client, hasKey: hasKey, isOffline: true)
    }

    /// Tells the coordinator, and takes everything away that belongs to the membership but the records.
    private func finish(
        _ unfinished: Departure,
        _ client: CoordinatorClient,
        hasKey: Bool,
        isOffline: Bool
    ) async throws -> Departure {
        try Task.checkCancellation()
        var departure = unfinished
        // From here on it is carried through, also where the one who asked has gone.
        departure.untold =
            hasKey
            ? await Task { await tell(client, timeout: isOffline ? .seconds(5) : .seconds(10)) }.value
            : "this machine's key cannot be had"
        departure.keyLeft = await forget(client.membership)
        try Membership.remove(home)
        return departure
    }

    /// Moves the records of a membership that has ended aside, where some are left that the coordinator does not have.
    ///
    /// - Parameters:
    ///   - departure: What the leave came to.
    ///   - count: How many records the coordinator does not have; nil where that cannot be told.
    /// - Returns: The departure, with where they are.
    package func keepAside(_ departure: Departure, count: Int?) -> Departure {
        // What was written while the membership ended.
        removeWords()
        guard count != 0 else { return departure }
        var departure = departure
        let folder = home.spool(agent: departure.agentID)
        let other = "\(home.kept)/\(departure.agentID)"
        let isMoved = (try? AgentHome.makeFolder(home.kept)) != nil && rename(folder, other) == 0
        departure.kept = Departure.Kept(
            path: isMoved ? other : folder,
            records: count,
            why: departure.unshipped ?? "they were made while it left"
        )
        return departure
    }

    // MARK: Steps

    /// Whether this machine can prove who it is; false where the key is gone for good.
    private func canSign(_ client: CoordinatorClient, isOffline: Bool) async throws -> Bool {
        do {
            try await client.key.load()
            // Read again where it is in memory: the keyring has to give it up in a moment.
            let reading = await secrets.read(SecretName(client.membership.secretName), prompting: false)
            if !isOffline, let error = KeyringError(reading, secrets.provider), reading != .corrupt {
                throw LinkError(keyring: error)
            }
            return true
        } catch let error as LinkError where error.kind == .keyMissing || isOffline {
            return false
        }
    }

    /// Throws if records wait that tell more than that the agent ran.
    private func checkPending(_ spool: Spool, _ why: String) async throws {
        let pending: PendingRecords
        do {
            pending = try await PendingRecords(spool)
        } catch {
            throw Self.pending("records of this machine cannot be read", (error as? SpoolError)?.message ?? why)
        }
        guard pending.count > 0 else { return }
        let since = pending.since.map { ", the first from \($0)" } ?? ""
        let records = pending.count == 1 ? "1 record waits" : "\(pending.count) records wait"
        throw Self.pending("\(records) for the coordinator\(since)", why)
    }

    /// Why a leave has not begun, with the one way that needs no coordinator.
    package static func pending(_ what: String, _ why: String) -> LinkError {
        LinkError(
            .pending,
            "\(what) (\(why)). Try again once the coordinator takes them, or leave without it: then they stay on this machine",
            next: "doorward logout --offline"
        )
    }

    /// Tells the coordinator that this machine leaves; from then on it does not take its key any more.
    ///
    /// - Returns: nil once it knows, or why it could not be told.
    private func tell(_ client: CoordinatorClient, timeout: Duration) async -> String? {
        do {
            _ = try await client.json("POST", "/v1/agent/leave", timeout: timeout, isIdempotent: true)
            return nil
        } catch let problem as Problem {
            // The coordinator has let go of it already: a first try whose answer was lost, or an administrator.
            return problem.needsUser ? nil : problem.detail
        } catch {
            return (error as? any ExplainedError)?.message ?? "it did not answer"
        }
    }

    /// Takes the key away, and what was kept of the coordinator's statements; returns why the keyring still has the
    /// key.
    private func forget(_ membership: Membership) async -> String? {
        removeWords()
        do {
            try await secrets.delete(SecretName(membership.secretName))
            return nil
        } catch {
            // It opens nothing any more, and a machine that is neither in nor out would be worse.
            return LinkError(keyring: error).message
        }
    }

    private func removeWords() {
        let files: [AgentHome.File] = [.sync, .organisation, .servers, .sessions, .pins, .keyring]
        for file in files { unlink(home.path(file)) }
        MembershipStanding.remove(home)
    }
}

/// The records that the coordinator does not have, without those that say only that the agent ran.
struct PendingRecords: Sendable {
    private(set) var count = 0
    /// When the first of them was made.
    private(set) var since: String?

    init(_ spool: Spool) async throws {
        let counts = spool.counts
        if counts.recorded > counts.countersigned { try await spool.wait(for: counts.recorded - 1) }
        var next = counts.countersigned
        while next < counts.recorded {
            let records = try await spool.records(from: next, atMost: 1024, bytes: 4 << 20)
            guard !records.isEmpty else { return }
            next += UInt64(records.count)
            for record in records {
                let json = try? JSONValue(parsing: record)
                if json?["kind"]?.text?.hasPrefix("agent.") ?? false { continue }
                count += 1
                since = since ?? json?["t"]?.text
            }
        }
    }
}
