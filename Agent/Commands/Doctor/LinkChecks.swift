internal import Addresses
internal import AgentState
internal import Bytes
internal import Contract
internal import CoordinatorLink
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// The keyring, the coordinator and what came from it.
struct LinkChecks {
    let context: CommandContext
    let membership: Membership
    var clock = MachineClock.system

    private var now: Int { Int(clock.wall() / 1_000_000) }

    /// Beyond so many seconds the coordinator refuses signatures, and policies end at the wrong time.
    private static let mostSkew = 60
    /// A policy that ends within a day should have been renewed long ago.
    private static let leastLife = 86_400

    func findings() async -> [Finding] {
        let client: CoordinatorClient
        do {
            client = try await CoordinatorClient.signedIn(
                as: membership,
                secrets: context.secrets,
                fetcher: context.fetcher
            )
        } catch {
            return [
                Finding("keyring", error), await unsigned(), Finding("clock", .skipped, "Only the coordinator knows."),
            ]
        }
        let keyring = Finding("keyring", .ok, "It gives this machine's key without asking.")
        do {
            let response = try await client.request(method: "GET", path: "/v1/agent-log", timeout: .seconds(10))
            _ = try CoordinatorAnswer.json(response)
            let coordinator = Finding("coordinator", .ok, "\(membership.url) answers, and knows this machine.")
            return [keyring, coordinator, skew(client)]
        } catch {
            return [keyring, Finding("coordinator", error), skew(client)]
        }
    }

    /// Whether the coordinator is there, for a machine that cannot sign.
    private func unsigned() async -> Finding {
        do {
            let request = FetchRequest(
                "GET",
                "\(membership.url)/healthz",
                timeout: .seconds(10),
                addresses: .any,
                caPEM: membership.caPEM
            )
            _ = try await context.fetcher.fetch(request)
            return Finding("coordinator", .ok, "\(membership.url) answers.")
        } catch {
            return Finding("coordinator", error)
        }
    }

    private func skew(_ client: CoordinatorClient) -> Finding {
        let skew = client.now - now
        guard abs(skew) > Self.mostSkew else { return Finding("clock", .ok, "It agrees with the coordinator's.") }
        return Finding(
            "clock",
            .warning,
            "It is \(abs(skew)) s \(skew > 0 ? "behind" : "ahead of") the coordinator's.",
            next: "timedatectl set-ntp true"
        )
    }

    /// How old the policy is.
    func policy() -> Finding {
        let state = PolicySync.lastState(membership, home: context.home)
        guard let bundle = state.bundle else {
            return Finding(
                "policy",
                .failed,
                "There is none yet, so everything is denied.",
                next: "An administrator applies one with `doorward admin policy apply FILE`."
            )
        }
        let end = min(bundle.expires.microseconds, state.bindingExpires?.microseconds ?? .max) / 1_000_000
        let rest = end - now
        let name = "Version \(bundle.version)"
        guard rest > 0 else {
            let words = "\(name) is over since \(UTCTime(seconds: end).shortText), so everything is denied."
            return Finding("policy", .failed, words, next: "See that the coordinator can be reached.")
        }
        guard rest > Self.leastLife else {
            let words = "\(name) ends at \(UTCTime(seconds: end).shortText) and has not been renewed."
            return Finding("policy", .warning, words, next: "See that the coordinator can be reached.")
        }
        return Finding("policy", .ok, "\(name) holds until \(UTCTime(seconds: end).shortText).")
    }
}
