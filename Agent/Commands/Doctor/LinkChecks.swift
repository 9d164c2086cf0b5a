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
            return [Self.closed(error), await unsigned(), Self.unknownClock]
        }
        let keyring = Finding("keyring", .ok, "It gives this machine's key without asking.")
        do {
            let response = try await client.request(method: "GET", path: "/v1/agent-log", timeout: .seconds(10))
            _ = try CoordinatorAnswer.json(response)
            let coordinator = Finding("coordinator", .ok, "\(membership.url) answers, and knows this machine.")
            return [keyring, coordinator, skew(client)]
        } catch let error as FetchError {
            return [keyring, Self.unreachable(error), Self.unknownClock]
        } catch {
            return [keyring, Finding("coordinator", error), skew(client)]
        }
    }

    private static let unknownClock = Finding("clock", .skipped, "Whether it is right only the coordinator can say.")

    /// A keyring that gives no key.
    private static func closed(_ error: any Error) -> Finding {
        let found = Finding("keyring", error, otherwise: "doorward unlock")
        // The library's word for it says nothing to people.
        guard found.message.contains("autolaunch") else { return found }
        return Finding(
            "keyring",
            found.state,
            "This session has no session bus (DBUS_SESSION_BUS_ADDRESS), over which keyrings are reached: run this where you are "
                + "signed in to the desktop, or start a bus.",
            next: "systemctl --user start dbus"
        )
    }

    /// A coordinator that gave no answer.
    private static func unreachable(_ error: FetchError) -> Finding {
        let goesOn = "Calls go on under the last policy until that ends."
        guard error.kind != .tls else {
            // Certificates of another time are the likeliest sign of a wrong clock, and nothing else shows it then.
            return Finding("coordinator", error, otherwise: "timedatectl").adding(" \(goesOn)")
        }
        let message = "The coordinator could not be reached: \(error.message). \(goesOn)"
        return Finding("coordinator", .failed, message, next: "doorward status")
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
        } catch let error as FetchError {
            return Self.unreachable(error)
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
            "It is \(Self.words(seconds: abs(skew))) \(skew > 0 ? "behind" : "ahead of") the coordinator's: policies and sign-ins "
                + "end at the wrong time.",
            next: "timedatectl set-ntp true"
        )
    }

    private static func words(seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }

    /// How old the policy is.
    func policy() -> Finding {
        let state = PolicySync.lastState(membership, home: context.home)
        guard let bundle = state.bundle else {
            return Finding(
                "policy",
                .failed,
                "There is none yet, so everything is denied. An administrator applies one.",
                next: "doorward admin policy apply FILE"
            )
        }
        let end = min(bundle.expires.microseconds, state.bindingExpires?.microseconds ?? .max) / 1_000_000
        let rest = end - now
        let name = "Version \(bundle.version)"
        guard rest > 0 else {
            let words = "\(name) is over since \(UTCTime(seconds: end).shortText), so everything is denied."
            return Finding("policy", .failed, "\(words) \(Self.renewal)", next: "doorward status")
        }
        guard rest > Self.leastLife else {
            let words = "\(name) ends at \(UTCTime(seconds: end).shortText) and has not been renewed."
            return Finding("policy", .warning, "\(words) \(Self.renewal)", next: "doorward status")
        }
        return Finding("policy", .ok, "\(name) holds until \(UTCTime(seconds: end).shortText).")
    }

    private static let renewal = "It is renewed once the coordinator can be reached."
}
