internal import Contract
internal import Policy
internal import StrictJSON

/// Who a person is, by the word of the provider.
package struct ProvenIdentity: Sendable, Equatable {
    /// Both together are the person at the provider, for good; an address may change, and be given to somebody else.
    let issuer: String
    let subject: String
    /// Verified, or taken for it.
    let email: EmailAddress
    /// At most `most`, each of at most 256 bytes.
    let groups: [JSONText]
    /// When the person has proven itself to the provider, in seconds since 1970; nil where it does not say: some write 0.
    let authenticatedAt: Int?

    /// How many groups of a person are looked at.
    static let most = 1_000

    /// What of a token is expected.
    struct Expectation: Sendable {
        /// What the request carried; nil where the token comes of a refresh, which has none.
        var nonce: String?
        /// The person's subject, where it is known already.
        var subject: String?
        /// Seconds since 1970.
        let now: Int
    }

    /// How far clocks may be apart, in seconds.
    private static let skew = 60

    /// Judges the claims of a token whose signature is good (OpenID Connect Core 1.0, section 3.1.3.7).
    ///
    /// - Parameters:
    ///   - claims: those of the ID token.
    ///   - more: those of the userinfo endpoint, which is asked where the token does not have them.
    ///   - settings: the provider's.
    ///   - expected: what of it is known beforehand.
    /// - Throws: `Refused`: `provider_answer`, `address_unverified`.
    init(
        _ claims: JSONValue,
        more: JSONValue? = nil,
        _ settings: ProviderSettings,
        expecting expected: Expectation
    ) throws {
        try Self.check(claims, settings, expected)
        try self.init(claims, more, settings, expected)
    }

    /// What the userinfo endpoint says by itself (section 5.3): its answer came over TLS from the provider, for a token that
    /// the provider has just handed out.
    init(userinfo: JSONValue, _ settings: ProviderSettings, expecting expected: Expectation) throws {
        guard expected.subject != nil else { throw Refused.providerAnswer("it has no ID token") }
        try self.init(userinfo, nil, settings, expected)
    }

    private init(
        _ claims: JSONValue,
        _ more: JSONValue?,
        _ settings: ProviderSettings,
        _ expected: Expectation
    ) throws {
        guard let subject = claims["sub"]?.text, (1...255).contains(subject.utf8.count) else {
            throw Refused.providerAnswer("its ID token does not say for whom it is")
        }
        if let expected = expected.subject, !expected.utf8.elementsEqual(subject.utf8) {
            throw Refused.providerAnswer("its ID token is for somebody else")
        }
        // Section 5.3.2: what belongs to another subject is not taken.
        let more = more.flatMap { $0["sub"] == .text(subject) ? $0 : nil }
        let said = claims["email"] == nil ? more : claims
        guard let email = said?["email"]?.text.flatMap({ EmailAddress($0) }) else { throw Refused.noAddress }
        let isVerified = said?["email_verified"]?.bool == true || said?["email_verified"]?.text == "true"
        guard isVerified || settings.trustsAddresses else { throw Refused.addressUnverified(email.text) }
        issuer = settings.issuer
        self.subject = subject
        self.email = email
        groups = Self.groups(claims[settings.groupsClaim] ?? more?[settings.groupsClaim])
        authenticatedAt = claims["auth_time"]?.int.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func check(_ claims: JSONValue, _ settings: ProviderSettings, _ expected: Expectation) throws {
        guard let issuer = claims["iss"]?.text, issuer.utf8.elementsEqual(settings.issuer.utf8) else {
            throw Refused.providerAnswer("its ID token is of another issuer")
        }
        let client = JSONValue.text(settings.clientID)
        let audience = claims["aud"]?.array ?? [claims["aud"]].compactMap { $0 }
        guard audience.contains(client) else { throw Refused.providerAnswer("its ID token is for another client") }
        guard audience.count == 1 || claims["azp"] != nil, claims["azp"].map({ $0 == client }) ?? true else {
            throw Refused.providerAnswer("its ID token was asked for by another client")
        }
        guard let end = claims["exp"]?.number?.double, Double(expected.now - skew) < end,
            let made = claims["iat"]?.number?.double, made <= Double(expected.now + skew),
            (claims["nbf"]?.number?.double ?? 0) <= Double(expected.now + skew)
        else { throw Refused.providerAnswer("its ID token has expired, or is not valid yet") }
        if let nonce = expected.nonce, claims["nonce"] != .text(nonce) {
            throw Refused.providerAnswer("its ID token belongs to another sign-in")
        }
    }

    /// The names in a claim: a list, or one name alone.
    private static func groups(_ claim: JSONValue?) -> [JSONText] {
        let names = (claim?.array ?? [claim].compactMap { $0 })
            .compactMap { try? ObjectReader.identifier($0, at: "") }
        return Array(names.filter { $0.utf8.count <= 256 }.prefix(most))
    }
}
