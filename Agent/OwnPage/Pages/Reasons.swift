/// Codes of records in words.
enum Reasons {
    /// Why a call was denied.
    static func words(_ reason: String) -> String {
        switch reason {
        case "no_grant": "no rule of the policy grants it"
        case "forbidden": "a rule forbids it"
        case "quarantined": "what the server says of the tool is not approved"
        case "policy_expired": "the policy is over and was not renewed"
        case "limited": "a limit was reached"
        case "needs_sign_in": "it needs your sign-in"
        case "locked": "the keyring is locked"
        case "key_missing": "this machine's key is gone"
        case "revoked": "this machine was revoked"
        case "approval": "it needs an approval"
        case "recent_login": "it needs a new sign-in to the coordinator"
        case "key_protection": "it needs a key that is better kept than this machine's"
        case "online_within": "the coordinator was not heard for too long"
        case "unknown_method": "nobody knows the method"
        default: reason.map { $0 == "_" ? " " : String($0) }.joined()
        }
    }

    /// How a call ended.
    static func outcome(_ outcome: String) -> String {
        switch outcome {
        case "ok": "ok"
        case "tool_error": "the tool failed"
        case "rpc_error": "refused by the server"
        case "not_sent": "not sent"
        case "upstream_error": "the server failed"
        case "too_large": "too large"
        case "timeout": "too slow"
        case "cancelled": "taken back"
        default: outcome.map { $0 == "_" ? " " : String($0) }.joined()
        }
    }
}
