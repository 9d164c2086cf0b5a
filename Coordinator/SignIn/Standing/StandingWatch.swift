internal import Contract
internal import Errors
internal import Fetch
package import Logging
internal import Synchronization

/// Asks the provider again and again whether people are still its own, and shuts out those who are not.
///
/// A sign-in says who somebody was at one moment. Where the provider hands out refresh tokens, each of them is used every few
/// minutes, and so the day on which a person is removed there is over here as well. Where it hands out none, nothing can be
/// asked, and a person has to sign in again after a while.
package struct StandingWatch: Sendable {
    private let identities: Identities
    private let client: ProviderClient
    private let logger: Logger
    private let trouble = Trouble()

    /// Whether it was told that the provider cannot be asked: that is said once, and once when it passes.
    private final class Trouble: Sendable {
        private let isTold = Mutex(false)

        /// Whether this is news.
        func becomes(_ isSo: Bool) -> Bool {
            isTold.withLock { isTold in
                defer { isTold = isSo }
                return isTold != isSo
            }
        }
    }

    /// How many people are asked about in one turn, one after the other.
    private static let most = 20

    /// A watch over these people.
    package init(_ identities: Identities, _ client: ProviderClient, logger: Logger) {
        self.identities = identities
        self.client = client
        self.logger = logger
    }

    /// One turn.
    ///
    /// - Returns: whether there may be more to do at once.
    package func look() async throws -> Bool {
        let due = try await identities.due(atMost: Self.most)
        // A provider that has no time for one has none for the next.
        var isMore = due.count == Self.most
        for each in due {
            try Task.checkCancellation()
            guard try await ask(each) else {
                isMore = false
                break
            }
        }
        let count = try await identities.lapseOverdue()
        if count > 0 {
            logger.info(
                "People have to sign in again: the provider was not asked about them for too long.",
                metadata: ["people": .stringConvertible(count)]
            )
        }
        return try await identities.tellMachines(atMost: Self.most) || isMore
    }

    /// Asks about one person.
    ///
    /// - Returns: whether the provider has time for the next.
    private func ask(_ due: DueIdentity) async throws -> Bool {
        let tokens: ProviderClient.Tokens
        do {
            tokens = try await client.tokens([
                ("grant_type", "refresh_token"), ("refresh_token", due.refreshToken),
            ])
        } catch ProviderClient.TokenFailure.ended {
            try await identities.lapse(due.sub, why: "ended by the provider")
            logger.info("The provider says that a person is signed out.", metadata: ["person": "\(due.sub)"])
            return true
        } catch {
            try await identities.answered(due, nil, refreshToken: nil)
            if trouble.becomes(true) {
                logger.warning(
                    "The provider cannot be asked about people.",
                    metadata: ["cause": "\(Self.words(error))"]
                )
            }
            return false
        }
        if trouble.becomes(false) { logger.info("The provider can be asked about people again.") }
        // The token that came is kept whatever else came with it: the one before may be spent.
        do {
            let identity = try await identity(of: due, tokens)
            try await identities.answered(due, identity, refreshToken: tokens.refreshToken)
        } catch let refused as Refused {
            try await identities.answered(due, nil, refreshToken: tokens.refreshToken)
            logger.warning("What the provider says of a person is refused.", metadata: ["cause": "\(refused.message)"])
        }
        return true
    }

    /// What the provider says now; a refresh may bring no ID token (OpenID Connect Core 1.0, section 12.2).
    private func identity(of due: DueIdentity, _ tokens: ProviderClient.Tokens) async throws -> ProvenIdentity {
        try await client.identity(
            tokens,
            expecting: ProvenIdentity.Expectation(subject: due.subject, now: identities.clock.seconds)
        )
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let failure as ProviderClient.TokenFailure: "\(failure)"
        case let error as any ExplainedError: error.message
        default: "\(type(of: error))"
        }
    }
}
