internal import AuditSink
internal import ServiceKit
internal import StrictJSON

/// What a record says, in a few words for a row.
struct RecordWords {
    /// The tool or prompt, or what happened.
    let what: String
    /// Whether that is a name, and not words of ours.
    let isName: Bool
    let client: String?
    let server: String
    let outcome: String
    let why: String?
    let tone: Tone
    let duration: String

    init(_ found: FoundRecord) {
        let record = found.record
        func text(_ name: JSONText) -> String? { record[name]?.text.map { VisibleText.of($0) } }
        let item = text("tool") ?? text("prompt")
        what = item ?? text("method") ?? Self.kinds[record["kind"]?.text ?? ""] ?? text("kind") ?? ""
        isName = item != nil || record["method"] != nil
        client = record["client"]?["id"]?.text.map { VisibleText.of($0) }
        server = text("srv") ?? ""
        duration = record["out"]?["ms"]?.int.map { Numbers.milliseconds($0) } ?? ""
        let reason = record["dec"]?["reason"]?.text ?? ""
        switch found.result {
        case .ok: (outcome, why, tone) = ("Succeeded", nil, .good)
        case .request:
            let word = record["out"]?["is"]?.text ?? ""
            (outcome, why, tone) = (
                word == "ok" ? "Answered" : "Failed", Self.outcomes[word], word == "ok" ? .calm : .warn
            )
        case .failed:
            let word = record["out"]?["is"]?.text ?? reason
            (outcome, why, tone) = ("Failed", Self.outcomes[word] ?? VisibleText.of(word), .warn)
        case .denied:
            let isLimit = reason == "limited" || reason == "too_many_requests"
            (outcome, why, tone) = (
                isLimit ? "Limited" : "Denied", Self.reasons[reason] ?? VisibleText.of(reason), .bad
            )
        case .signIn: (outcome, why, tone) = ("Sign-in needed", nil, .warn)
        case .begun: (outcome, why, tone) = ("Begun", nil, .calm)
        case .credentials, .machine:
            let said = text("why") ?? text("version") ?? record["policy"]?.int.map { "Version \($0)" }
            (outcome, why, tone) = (said ?? "Recorded", nil, .calm)
        }
    }

    static let kinds = [
        "credential.grant": "Signed in to a server", "credential.refresh": "Renewed a sign-in",
        "credential.fail": "A sign-in failed", "credential.revoke": "A sign-in was revoked",
        "agent.start": "Agent started", "agent.stop": "Agent stopped", "agent.heartbeat": "Agent is running",
        "agent.rollback": "Agent's folder went back in time", "clock.step": "Clock was set",
        "policy.apply": "Policy taken", "spool.pressure": "Records pile up",
    ]

    private static let outcomes = [
        "tool_error": "The tool reported an error", "rpc_error": "The server refused", "not_sent": "It was not sent",
        "upstream_error": "The server failed", "too_large": "The answer was too large",
        "timeout": "The server was silent",
        "cancelled": "The client called it off", "unknown": "The agent ended before it did",
        "down": "The server was down",
    ]

    private static let reasons = [
        "no_grant": "No rule grants it", "forbidden": "A rule forbids it",
        "quarantined": "Its definition is not approved",
        "policy_expired": "The policy has expired", "limited": "A limit was reached",
        "approval": "It needs an approval",
        "unknown_server": "No such server for this person", "too_many_requests": "Too many requests",
    ]
}

extension Cell {
    /// The same as a link.
    func linked(_ href: String) -> Cell {
        Cell(text, small: small, href: href, moment: moment, isCode: isCode)
    }
}
