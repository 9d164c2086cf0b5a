package import AuditSink
package import Database
package import Fetch
package import Logging
package import People
package import ServiceKit

/// The identity provider of the organisation, with all that is done with it.
package struct Provider: Sendable {
    package let signIn: ProviderSignIn
    package let identities: Identities
    package let watch: StandingWatch

    /// The provider of these settings.
    ///
    /// - Parameters:
    ///   - settings: as the administrator has given them.
    ///   - database: where identities are.
    ///   - log: the organisation's log.
    ///   - people: who they become.
    ///   - revisions: wakes machines whose person has changed.
    ///   - clock: the time.
    ///   - origin: the coordinator's own, `https://HOST[:PORT]`.
    ///   - seal: seals tokens for the database.
    ///   - fetcher: asks it.
    ///   - logger: is told of what an administrator has to look after.
    package init(
        _ settings: ProviderSettings,
        database: SQLDatabase,
        log: OrgLog,
        people: People,
        revisions: Revisions,
        clock: MachineClock,
        origin: String,
        seal: TokenSeal,
        fetcher: Fetcher,
        logger: Logger
    ) {
        let client = ProviderClient(settings, fetcher: fetcher, clock: clock)
        signIn = ProviderSignIn(client, origin: origin, clock: clock)
        identities = Identities(
            database: database,
            log: log,
            people: people,
            sessions: BrowserSessions(database: database, clock: clock),
            revisions: revisions,
            clock: clock,
            settings: settings,
            seal: seal
        )
        watch = StandingWatch(identities, client, logger: logger)
    }

    /// Where a browser that has just signed out here can sign out at the provider too.
    ///
    /// - Parameters:
    ///   - sealed: what ending the session has returned.
    ///   - session: the session that has ended.
    /// - Returns: an address; nil where there is none.
    package func farewell(_ sealed: [UInt8]?, of session: BrowserSession) async -> String? {
        guard let sealed, let token = identities.idToken(sealed, of: session) else { return nil }
        return await signIn.farewell(token)
    }
}
