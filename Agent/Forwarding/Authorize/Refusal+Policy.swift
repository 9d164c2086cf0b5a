internal import MCP
internal import Policy
internal import StrictJSON

// Refusals of well-formed requests.
extension Refusal {
    /// That no call passes at all; `page` is where people sign in at the coordinator.
    static func closed(_ closure: ForwardingState.Closure, words: String? = nil, page: String? = nil) -> Refusal {
        switch closure {
        case .notEnrolled:
            userMustAct(
                "not_enrolled",
                "This machine is not enrolled with a coordinator: run `doorward login URL --token-file FILE`.",
                command: "doorward login URL --token-file FILE"
            )
        case .locked:
            userMustAct(
                "locked",
                words ?? "The keyring is locked: run `doorward unlock`, and the agent goes on by itself.",
                command: "doorward unlock"
            )
        case .keyMissing:
            userMustAct(
                "key_missing",
                words ?? "The keyring does not hold the key of this machine: restore it, or run `doorward logout`.",
                command: "doorward logout"
            )
        case .revoked:
            userMustAct(
                "revoked",
                words ?? "The coordinator has revoked this machine: run `doorward logout`, and enrol it anew.",
                command: "doorward logout"
            )
        case .lockedByAdministrator:
            Refusal(
                code: .denied,
                reason: "locked_by_administrator",
                message: "\(sentence(words ?? "An administrator has locked this machine")) "
                    + "Calls pass again once the lock is taken off."
            )
        case .signInEnded:
            Refusal(
                code: .userMustAct,
                reason: "sign_in_ended",
                message: "\(sentence(words ?? "Your sign-in at your organisation has ended")) "
                    + "Sign in again\(page.map { " at \($0)" } ?? ""): `\(loginCommand(page))` opens the page.",
                command: loginCommand(page),
                url: page
            )
        case .unusable:
            Refusal(
                code: .notRecorded,
                reason: "not_recorded",
                message: "This cannot be recorded, so it is not done: \(words ?? "run `doorward status` to see why.")",
                command: "doorward status"
            )
        }
    }

    private static func loginCommand(_ page: String?) -> String {
        "doorward login \(page?.replacing("/sign-in", with: "") ?? "URL")"
    }

    private static func userMustAct(
        _ reason: JSONText,
        _ message: String,
        command: String,
        server: JSONText? = nil
    ) -> Refusal {
        Refusal(code: .userMustAct, reason: reason, message: message, command: command, server: server)
    }

    static func denied(_ decision: Decision) -> Refusal {
        let message =
            switch decision.reason {
            case .granted, .observed, .noGrant: "The policy does not grant you {item} at {server}."
            case .forbidden:
                "The policy forbids {item} at {server}" + (decision.words.map { ": \(sentence($0.string))" } ?? ".")
            case .policyExpired:
                "The policy has expired, so nothing is allowed at {server} until the agent has reached its coordinator: "
                    + "`doorward status` shows what keeps it."
            }
        return Refusal(
            code: .denied,
            reason: DecisionEncoder.code(decision.reason),
            message: message,
            rules: decision.rules,
            judged: decision.judged
        )
    }

    /// What a server asks of the client in its result, and may not.
    static func denied(_ decision: Decision, request: ServerRequest, server: JSONText) -> Refusal {
        Refusal(
            code: .denied,
            reason: DecisionEncoder.code(decision.reason),
            message: "{server} asks your client for \(request.rawValue), which the policy does not let it: an "
                + "administrator can grant it (`server_requests`).",
            rules: decision.rules,
            server: server
        )
    }

    /// The text of a rule's author as a sentence.
    private static func sentence(_ words: String) -> String {
        words.last.map { ".!?".contains($0) } == true ? words : "\(words)."
    }

    /// A limit is used up: `rule` is its place, `words` is the text that says what it allows.
    static func limited(rule: JSONText, words: String?, retryAfterMilliseconds: Int) -> Refusal {
        Refusal(
            code: .limited,
            reason: "limited",
            message: "\(words ?? "The limit of calls") to {server}: try again in \(wait(retryAfterMilliseconds)).",
            rules: [rule],
            limiter: rule,
            retryAfterMilliseconds: retryAfterMilliseconds
        )
    }

    /// A wait as text, rounded up.
    static func wait(_ milliseconds: Int) -> String {
        let seconds = max(1, (milliseconds + 999) / 1000)
        if seconds < 120 { return "\(seconds) s" }
        let minutes = (seconds + 59) / 60
        return minutes < 120 ? "\(minutes) minutes" : "\((minutes + 59) / 60) hours"
    }

    static func credential(_ refusal: CredentialState.Refusal, server: JSONText) -> Refusal {
        switch refusal {
        case .needsSignIn:
            userMustAct(
                "needs_sign_in",
                "Sign in to {server} first: run `doorward connect {server}`.",
                command: "doorward connect \(server.string)",
                server: server
            )
        case .locked:
            userMustAct(
                "locked",
                "The sign-in to {server} lies in your keyring, which is locked: run `doorward unlock` and try again.",
                command: "doorward unlock",
                server: server
            )
        case .keyring:
            userMustAct(
                "locked",
                "The sign-in to {server} lies in your keyring, which cannot be used now: run `doorward unlock`, which says why.",
                command: "doorward unlock",
                server: server
            )
        case .unavailable:
            Refusal(
                code: .serverDown,
                reason: "sign_in_unavailable",
                message: "The sign-in service of {server} does not answer as it should: try again in a minute, or run "
                    + "`doorward connect {server}`.",
                server: server
            )
        }
    }

    /// The server wants more rights than the user gave it.
    static func insufficientScope(_ server: JSONText) -> Refusal {
        userMustAct(
            "needs_sign_in",
            "{server} wants more rights for this than you gave it: run `doorward connect {server}`.",
            command: "doorward connect \(server.string)",
            server: server
        )
    }

    /// There is no way to write the record, so there is no call.
    static let notRecorded = Refusal(
        code: .notRecorded,
        reason: "not_recorded",
        message: "This cannot be recorded, so nothing was asked of {server}: run `doorward status` to see why."
    )
}
