internal import Contract
internal import Database
internal import HTTPTypes
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v1/imports` and `/v1/proposals`: servers that come from elsewhere, and what administrators make of them.
struct ProposalsRoutes: Sendable {
    let registry: Registry
    let upstreams: Upstreams

    /// A checked-out repository of them.
    private static let largestImport = 8 << 20

    var operations: [Operation] {
        [
            Operation("POST", "/v1/imports", for: Right.EditServers.self, largestBody: Self.largestImport) {
                call,
                permit in
                let imported =
                    switch try ObjectReader.read(try call.json(depth: 24), Self.question) {
                    case .url(let upstream): try await upstreams.bringIn(upstream, by: permit)
                    case .documents(let documents, let registering):
                        try await registry.bringIn(documents, registering: registering, by: permit)
                    }
                return .json([
                    "registered": .array(imported.registered.map { .text($0) }),
                    "proposals": .array(imported.proposals.map(\.json)),
                    "unchanged": .array(imported.unchanged.map { .text($0) }),
                    "problems": .array(imported.problems.map(\.json)),
                ])
            }.making(),
            Operation(
                "GET",
                "/v1/proposals",
                for: Right.ReadServers.self,
                query: Paging.fields.union(["search", "source", "state"])
            ) { call, permit in
                let page = try await registry.proposals(try Self.filter(call), page: try call.page(), for: permit)
                return .json([
                    "proposals": .array(page.items.map(\.json)),
                    "next": try page.next.map { .text(try Paging.cursor($0)) } ?? .null,
                ])
            },
            Operation("GET", "/v1/proposals/{id}", for: Right.ReadServers.self) { call, permit in
                .json(try await registry.review(call.parameters[0], for: permit).json)
            },
            // What would become of it if it were taken so: nothing is changed.
            Operation("POST", "/v1/proposals/{id}/review", for: Right.EditServers.self) { call, permit in
                let (choice, _) = try Self.choice(call)
                return .json(try await registry.preview(call.parameters[0], as: choice, for: permit).json)
            },
            Operation("POST", "/v1/proposals/{id}/approval", for: Right.EditServers.self) { call, permit in
                let (choice, isReplacing) = try Self.choice(call)
                let review = try await registry.approve(
                    call.parameters[0],
                    as: choice,
                    isReplacing: isReplacing,
                    by: permit
                )
                return .json(review.json)
            }.making(),
            Operation("POST", "/v1/proposals/{id}/rejection", for: Right.EditServers.self) { call, permit in
                .json(try await registry.reject(call.parameters[0], by: permit).json(updates: nil))
            },
        ]
    }

    /// What is brought in.
    private enum Question {
        case url(UpstreamSetting)
        case documents([BroughtDocument], registering: Bool)
    }

    private static func question(_ reader: inout ObjectReader) throws -> Question {
        if let url = try reader.optionalText("url") {
            return .url(try UpstreamSetting(once: url, only: try reader.optionalTexts("only") ?? []))
        }
        let documents = try BroughtDocument.list(&reader)
        return .documents(documents, registering: try reader.optionalBool("register") ?? false)
    }

    private static func filter(_ call: Call) throws -> Registry.ProposalFilter {
        var filter = Registry.ProposalFilter()
        filter.search = call.query["search"]
        filter.source = call.query["source"]
        filter.state = try call.word("state", Proposal.State.self)
        return filter
    }

    private static func choice(_ call: Call) throws -> (EntryChoice, isReplacing: Bool) {
        guard !call.body.isEmpty else { return (EntryChoice(), false) }
        return try call.document { reader in
            let isReplacing = try reader.optionalBool("replace") ?? false
            return (try EntryChoice(members: &reader), isReplacing)
        }
    }
}
