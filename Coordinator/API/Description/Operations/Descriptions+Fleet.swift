internal import Fleet
internal import StrictJSON

extension OperationDescription {
    /// Machines: what administrators see and do, and what machines ask for themselves.
    static let fleet: [String: OperationDescription] = [
        "GET /v1/agents": .init(
            "The machines that were ever enrolled, by person and age.",
            query: page([
                "user": .text.about("An id, or a part of an e-mail address."),
                "presence": .word(AgentSummary.Presence.self), "locked": .boolean, "version": .text,
            ]),
            answer: .page("agents", .agent)
        ),
        "GET /v1/agents/{id}": .init("One machine.", answer: .agent),
        "DELETE /v1/agents/{id}": .init(
            "Takes a machine's key away for good, with what it has made.",
            query: ["enrolled": .word(["keep", "revoke"])],
            matching: .possible,
            answer: .all(.agent, .ended)
        ),
        "PUT /v1/agents/{id}/lock": .init(
            "Locks a machine out until the lock is taken off; online it hears of it at once.",
            body: .optional(.closed(["why": .why.optional])),
            answer: .agent
        ),
        "DELETE /v1/agents/{id}/lock": .init("Takes the lock off a machine.", answer: .agent),
        "GET /v1/agents/{id}/log": .init(
            "A stretch of a machine's records, from one that begins an upload.",
            query: ["from": .integer(0...999_999_999_999_999)],
            answers: [200: .bytes(["application/jsonl"])]
        ),
        "DELETE /v1/agents/{id}/log": .init(
            "Removes the records of a machine that is shut out; what proves others stays.",
            answer: .object(["agent_id": .text, "removed_below": .count, "bytes": .count])
        ),

        "GET /v1/identity": .init(
            "Who the coordinator is, signed by the key that it names.",
            answer: .object([
                "key": .text, "origin": .text, "org_checkpoint": .text, "version": .text, "browser_sign_in": .boolean,
            ])
        ),
        "POST /v1/enrolments": .init(
            "Lets a machine in with an invitation, or a code from a browser; signed by the new key itself.",
            body: .json(.map(.any)),
            answers: [201: .json(.map(.any))]
        ).signed,
        "GET /v1/agent/bundle": .init(
            "What is newer than a machine has; held until there is something.",
            query: [
                "after": .count, "epoch": .count, "org": .count, "policy": .count, "release": .text, "seen": .text,
            ],
            answers: [200: .json(.map(.any)), 204: .nothing]
        ),
        "POST /v1/agent/tools": .init(
            "How a server has described its tools to a machine.",
            body: .json(.map(.any)),
            answers: [204: .nothing]
        ),
        "POST /v1/agent/health": .init(
            "How a machine and its servers do, or that it ends.",
            body: .json(.map(.any)),
            answers: [204: .nothing]
        ),
        "POST /v1/agent/leave": .init("A machine leaves.", answers: [204: .nothing]),
        "GET /v1/agent-log": .init("How far a machine's records are stored.", answer: .map(.any)),
        "POST /v1/agent-log": .init(
            "Stores a stretch of a machine's records.",
            body: .bytes(["application/octet-stream"]),
            answer: .map(.any)
        ),
    ]
}
