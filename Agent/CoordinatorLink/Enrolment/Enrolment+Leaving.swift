internal import Contract
internal import Glibc
internal import Keyring
package import Logging
internal import ServiceKit
package import Spool

extension Enrolment {
    /// Leaves the coordinator: ships what is pending, says so, and takes key and membership away; what the user has
    /// configured stays.
    ///
    /// - Parameters:
    ///   - membership: What is left.
    ///   - spool: Its records, open; nil where there are none.
    ///   - logger: Learns of what does not work on the way.
    ///   - time: The most that the shipping may take.
    /// - Throws: `.pending` where records cannot be shipped, and then nothing has changed; the coordinator's `Problem`
    ///   or `FetchError` if it cannot be told.
    package func leave(
        _ membership: Membership,
        spool: Spool?,
        logger: Logger,
        within time: Duration = .seconds(20)
    ) async throws {
        let client = try await CoordinatorClient.signedIn(
            as: membership,
            secrets: secrets,
            fetcher: fetcher,
            clock: clock
        )
        if let spool {
            let watch = try OrgWatch(membership, home: home)
            let isDone = await AuditShipper.shipAll(
                client: client,
                spool: spool,
                watch: watch,
                logger: logger,
                within: time
            )
            guard isDone else { throw Self.pending(spool) }
        }
        try await tell(client)
        try await forget(membership)
    }

    /// Tells the coordinator that this machine leaves; from then on it does not take its key any more.
    package func tell(_ client: CoordinatorClient) async throws {
        do {
            _ = try await client.json("POST", "/v1/agent/leave", isIdempotent: true)
        } catch let problem as Problem where Self.isGone(problem) {
            // The coordinator has let go of it already: a first try whose answer was lost, or an administrator.
        }
    }

    /// Takes key and membership away, and what was kept of the coordinator's words.
    package func forget(_ membership: Membership) async throws {
        do {
            try await secrets.delete(SecretName(membership.secretName))
        } catch {
            throw LinkError(keyring: error)
        }
        for name in ["sync.json", "org.note", "servers.json"] { unlink("\(home.state)/\(name)") }
        try Membership.remove(home)
    }

    private static func isGone(_ problem: Problem) -> Bool {
        problem.code == SignatureRefusal.revokedKey.rawValue || problem.code == SignatureRefusal.unknownKey.rawValue
    }

    private static func pending(_ spool: Spool) -> LinkError {
        let counts = spool.counts
        return LinkError(
            .pending,
            "\(counts.recorded - counts.countersigned) records wait for the coordinator, which cannot take them now",
            next: "See that the coordinator is there, and try again."
        )
    }
}
