internal import Registry
internal import StrictJSON

extension OperationDescription {
    private static let server = Schema.map(.any).about("An official server.json, with our settings in `_meta`.")
        .named("Server")
    private static let version = Schema.object([
        "version": .text, "status": .text, "message": .text.orNull, "in_use": .boolean, "published": .time,
        "published_by": .text.orNull, "updated": .time, "entry": server,
    ]).named("ServerVersion")
    private static let proposal = Schema.object([
        "id": .text, "name": .text, "version": .text, "title": .text.orNull, "description": .text, "source": .text,
        "state": .word(Proposal.State.self), "status": .text, "updates": .text.orNull, "since": .time,
        "offers": .array(.any),
    ]).named("Proposal")
    private static let review = Schema.all(
        proposal,
        .object(["document": .any, "entry": .any, "problem": .text.orNull, "diff": .text])
    )
    private static let chosen = Content.optional(
        .closed([
            "alias": .alias.optional, "remote": .integer(0...31).optional, "package": .integer(0...31).optional,
            "command": .words.optional, "download": .boolean.optional, "read": .array(.words).optional,
            "write": .array(.words).optional, "values": .map(.words).optional, "settings": .map(.any).optional,
            "replace": .boolean.optional,
        ])
        .with("not", ["required": ["remote", "package"]])
    )
    private static let settings = Schema.object([
        "public": .boolean, "agent_url": .text, "upstreams": .array(.map(.any)),
    ])
    private static let tool = Schema.object([
        "server": .text, "tool": .text, "state": .text, "diff": .text, "definition": .hash, "approved": .hash.orNull,
        "since": .time, "approved_by": .text.orNull,
    ]).named("Tool")
    private static let waiting = Schema.object([
        "server": .text, "listing": .hash, "tools": .count, "doubtful": .array(.text),
    ]).named("WaitingTools")
    private static let published = Schema.object(["server": .map(.any), "_meta": .map(.any)]).named("PublishedServer")
    private static let publishedList = Schema.object([
        "servers": .array(published), "metadata": .object(["count": .count, "nextCursor": .text.optional]),
    ])
    private static let flag = Schema.boolean

    /// Servers, where they come from, and their tools.
    static let registry: [String: OperationDescription] = [
        "GET /v1/servers": .init(
            "The servers in use, by alias.",
            query: page(["search": .text, "category": .text]),
            answer: .page("servers", server)
        ),
        "GET /v1/servers/{alias}": .init("One server.", path: ["alias": .alias], answer: server),
        "PUT /v1/servers/{alias}": .init(
            "Puts another entry in place of the one in use.",
            path: ["alias": .alias],
            body: .json(.map(.any)),
            matching: .needed,
            answer: server
        ),
        "POST /v1/servers": .init("Adds a server.", body: .json(.map(.any)), answers: [201: .json(server)]),
        "DELETE /v1/servers/{alias}": .init(
            "Takes a server out of use.",
            path: ["alias": .alias],
            matching: .possible,
            answer: .object(["alias": .text])
        ),
        "GET /v1/servers/{alias}/versions": .init(
            "Every version of a server that was ever in use.",
            path: ["alias": .alias],
            answer: .object(["versions": .array(version)])
        ),
        "PUT /v1/servers/{alias}/version": .init(
            "Goes back to a version that was in use before.",
            path: ["alias": .alias],
            body: .json(.closed(["version": .words])),
            matching: .possible,
            answer: version
        ),
        "PUT /v1/servers/{alias}/status": .init(
            "Says that a server is deprecated, or that it is not.",
            path: ["alias": .alias],
            body: .json(.closed(["status": .word(["active", "deprecated"]), "message": .words.optional])),
            matching: .possible,
            answer: version
        ),
        "GET /v1/server-health": .init(
            "How the servers do, as the machines see them.",
            answer: .object([
                "servers": .array(
                    .object([
                        "alias": .text, "state": .text.orNull, "machines": .map(.count), "errors": .array(.map(.any)),
                    ])
                )
            ])
        ),
        "POST /v1/imports": .init(
            "Brings in server.json documents, or asks a registry once.",
            body: .json(
                .closed([
                    "documents": .array(
                        .closed(["server": .map(.any), "file": .text.optional]),
                        atMost: 1000,
                        atLeast: 1
                    )
                    .optional,
                    "register": .boolean.optional, "url": .text.optional, "only": .array(.text).optional,
                ])
                .with("anyOf", [["required": ["documents"]], ["required": ["url"]]])
            ),
            answer: .object([
                "registered": .array(.text), "proposals": .array(proposal), "unchanged": .array(.text),
                "problems": .array(.fieldProblem),
            ])
        ),
        "GET /v1/proposals": .init(
            "Servers that were brought in and wait for an administrator.",
            query: page(["search": .text, "source": .text, "state": .word(Proposal.State.self)]),
            answer: .page("proposals", proposal)
        ),
        "GET /v1/proposals/{id}": .init("One of them, and what would become of it.", answer: review),
        "POST /v1/proposals/{id}/review": .init(
            "What would become of it if it were taken so; nothing is changed.",
            body: chosen,
            answer: review
        ),
        "POST /v1/proposals/{id}/approval": .init("Takes it into use.", body: chosen, answer: review),
        "POST /v1/proposals/{id}/rejection": .init("Says that it is not wanted.", answer: proposal),
        "GET /v1/upstreams": .init(
            "The registries that are asked, and what came of it.",
            answer: .object(["upstreams": .array(.map(.any))])
        ),
        "POST /v1/upstreams/{name}/pull": .init("Asks a registry now.", answer: .object(["name": .text])),
        "GET /v1/settings/registry": .init("How the registry is published and what it asks.", answer: settings),
        "PUT /v1/settings/registry": .init(
            "Replaces these settings.",
            body: .json(.map(.any)),
            matching: .needed,
            answer: settings
        ),
        "GET /v1/tools": .init(
            "How servers have described their tools, and which of it is approved.",
            query: page(["server": .text, "tool": .text]),
            answer: .object(["tools": .array(tool), "waiting": .array(waiting), "next": .text.orNull])
        ),
        "POST /v1/tools/approvals": .init(
            "Says that a description may be shown.",
            body: .json(.closed(["server": .words, "tool": .words, "definition": .hash.optional])),
            answer: tool
        ),
        "POST /v1/tools/approvals/all": .init(
            "Approves all that waits of a server, as it was listed.",
            body: .json(.closed(["server": .words, "listing": .hash])),
            answer: .object(["tools": .array(tool), "left": .array(tool)])
        ),

        "GET /v0.1/servers": .init(
            "The official Registry API: the servers that the caller may use.",
            query: [
                "cursor": .text, "limit": .integer(1...(1 << 52)).about("At most 100 are given."), "search": .text,
                "updated_since": .time, "version": .text,
                "include_deleted": flag,
            ],
            answer: publishedList
        ),
        "GET /v0.1/servers/{serverName}/versions": .init(
            "The versions of one server.",
            query: ["include_deleted": flag],
            answer: publishedList
        ),
        "GET /v0.1/servers/{serverName}/versions/{version}": .init(
            "One version of one server, or `latest`.",
            query: ["include_deleted": flag],
            answer: published
        ),
    ]
}
