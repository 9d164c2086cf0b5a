internal import Addresses
internal import AgentState
internal import AuditLog
internal import Contract
internal import Errors
internal import Fetch
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// Who a coordinator says it is: `GET /v1/identity`.
struct CoordinatorIdentity: Sendable {
    let key: VerifyingKey
    /// The origin of its organisation log.
    let origin: String
    let head: OrgHead
    /// Whether people sign in there with a browser, and can enrol their machines so.
    let hasBrowserSignIn: Bool

    /// Asks, and checks that the state of its log is signed by the key that it names.
    static func ask(_ address: CoordinatorAddress, fetcher: Fetcher) async throws -> CoordinatorIdentity {
        let request = FetchRequest(
            "GET",
            "\(address.url)/v1/identity",
            timeout: .seconds(20),
            addresses: .any,
            caPEM: address.caPEM
        )
        let response = try await fetcher.fetch(request)
        guard let json = try CoordinatorAnswer.json(response) else { throw Self.unknown }
        do {
            return try ObjectReader.read(json) { reader in
                let key = try reader.key("key")
                let origin = try reader.text("origin")
                guard LogNames(audit: origin) != nil else { throw ShapeError("origin", "must be the name of a log") }
                let head = try OrgHead(try reader.text("org_checkpoint"), origin: origin, key: key)
                // An older release does not have it.
                let hasBrowserSignIn = try reader.optionalBool("browser_sign_in") ?? false
                // A newer release may say more about itself.
                reader.ignoreOthers()
                return CoordinatorIdentity(
                    key: key,
                    origin: origin,
                    head: head,
                    hasBrowserSignIn: hasBrowserSignIn
                )
            }
        } catch is ShapeError {
            throw Self.unknown
        }
    }

    private static let unknown = LinkError(
        .unexpected,
        "what answers there is no coordinator that this release knows",
        next: "Check the URL, and that both halves are of the same release."
    )
}
