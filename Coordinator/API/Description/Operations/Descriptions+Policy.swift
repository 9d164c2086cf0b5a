internal import StrictJSON

extension OperationDescription {
    private static let file = Content.bytes(["application/yaml", "application/json"])
    private static let version = Schema.text("[1-9][0-9]{0,14}")
    private static let applied = Schema.object([
        "version": .count, "digest": .text, "etag": .tag, "expires": .time.optional,
    ]).named("AppliedPolicy")
    private static let past = Schema.object([
        "version": .count, "etag": .tag, "digest": .text, "applied": .time, "user": .text, "sub": .text,
        "why": .text.orNull, "rolled_back_to": .count.orNull, "bytes": .count,
    ]).named("PolicyVersion")
    private static let line = Schema.object([
        "user": .text, "server": .text, "tool": .text.orNull, "method": .text, "was": .text, "would": .text,
        "count": .count,
    ]).named("SimulatedCalls")

    /// The policy: what is in force, what was, and what a draft would do.
    static let policy: [String: OperationDescription] = [
        "GET /v1/policy": .init(
            "The policy in force, as it was written.",
            headers: ["If-None-Match": .entityTags],
            answers: [200: file, 304: .nothing]
        ),
        "PUT /v1/policy": .init(
            "Puts a policy in force.",
            headers: ["Doorward-Why": .text("[!-$&-~]{1,200}").about("Why, percent-encoded.")],
            body: file,
            matching: .needed,
            answer: applied
        ),
        "POST /v1/policy/check": .init(
            "Says everything that is wrong with a file, and changes nothing.",
            body: file,
            answer: .object([
                "ok": .boolean, "problems": .array(.fieldProblem), "warnings": .array(.fieldProblem),
                "diff": .text, "compared_with": .count,
            ])
        ),
        "GET /v1/roles": .init(
            "The roles that the policy names, with who has them.",
            answer: .object(["roles": .array(.object(["name": .text, "grant": .array(.any), "bind": .array(.any)]))])
        ),
        "GET /v1/limits": .init(
            "How much may pass, by the policy and by the entries of servers.",
            query: ["server": .field],
            answer: .object(["limits": .array(.object(["rule": .text, "per": .text]))])
        ),
        "GET /v1/policy/versions": .init(
            "Every policy that was ever in force, the newest first.",
            query: page(),
            answer: .page("versions", past)
        ),
        "GET /v1/policy/versions/{version}": .init(
            "One of them with its file.",
            path: ["version": version],
            answer: .all(past, .object(["media_type": .text, "file": .text]))
        ),
        "GET /v1/policy/versions/{version}/diff": .init(
            "What differs from the version before, or from another one.",
            path: ["version": version],
            query: ["from": .integer(0...999_999_999_999_999)],
            answer: .object(["from": .count, "to": .count, "diff": .text])
        ),
        "POST /v1/policy/versions/{version}/roll-back": .init(
            "Puts the file of an earlier version in force again.",
            path: ["version": version],
            body: .optional(.closed(["why": .why.optional])),
            matching: .needed,
            answer: applied
        ),
        "POST /v1/policy/simulations": .init(
            "What a draft would have done to the calls on record.",
            body: .json(
                .closed([
                    "file": .text(longest: 1 << 20), "since": .moment.optional, "until": .moment.optional,
                    "user": .address.optional, "server": .alias.optional,
                ])
            ),
            answer: .object([
                "since": .text, "until": .text, "calls": .count, "would_deny": .count, "would_allow": .count,
                "unknown": .count, "changes": .array(line), "unknowns": .array(line),
            ])
        ),
        "POST /v1/policy/suggestions": .init(
            "The least policy for what people did, with tests in the file.",
            body: .json(
                .closed([
                    "since": .moment.optional, "until": .moment.optional, "user": .address.optional,
                    "server": .alias.optional, "prefixes": .boolean.optional,
                ])
            ),
            answer: .object(["calls": .count, "people": .count, "notes": .array(.text), "file": .text])
        ),
        "POST /v1/policy/explanations": .init(
            "Which rules decide on a call, under the policy or a draft; of one of tool, prompt, uri.",
            body: .json(
                .closed([
                    "user": .address, "groups": .array(.text).optional, "client": .text.optional, "server": .text,
                    "tool": .text.optional, "prompt": .text.optional, "uri": .text.optional,
                    "arguments": .map(.any).optional,
                    "file": .text(longest: 1 << 20).optional,
                ])
            ),
            answer: .object([
                "user": .text, "groups": .array(.text), "roles": .array(.any), "decision": .word(["allow", "deny"]),
                "because": .text, "rules": .array(.text), "policy_version": .count.orNull, "nearest": .any,
            ])
        ),
    ]
}
