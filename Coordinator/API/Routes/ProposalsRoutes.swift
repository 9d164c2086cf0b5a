internal import Contract
internal import HTTPTypes
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v1/imports` and `/v1/proposals`: servers that come from elsewhere, and what administrators make of them.
struct ProposalsRoutes: Sendable {
    let registry: Registry

    /// A checked-out repository of them.
    private static let largestImport = 8 << 20
    /// How many proposals one answer has if the caller does not say it, and at most.
    private static let usualPage = 100
    private static let largestPage = 500

    var operations: [Operation] {
        [
            Operation("POST", "/v1/imports", for: Right.EditServers.self, largestBody: Self.largestImport) { call, permit in
                let (documents, registering) = try ObjectReader.read(try call.json(depth: 24)) { reader in
                    (try BroughtDocument.list(&reader), try reader.optionalBool("register") ?? false)
                }
                let imported = try await registry.bringIn(documents, registering: registering, by: permit)
                return .json([
                    "registered": .array(imported.registered.map { .text($0) }),
                    "proposals": .array(imported.proposals.map { $0.json(updates: nil) }),
                    "unchanged": .array(imported.unchanged.map { .text($0) }),
                ])
            },
            Operation(
                "GET",
                "/v1/proposals",
                for: Right.ReadServers.self,
                query: ["search", "source", "state", "cursor", "limit"]
            ) { call, permit in
                let (page, next) = try await registry.proposals(try Self.filter(call), for: permit)
                return .json(["proposals": .array(page), "next": next.map { .text($0) } ?? .null])
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
            },
            Operation("POST", "/v1/proposals/{id}/rejection", for: Right.EditServers.self) { call, permit in
                .json(try await registry.reject(call.parameters[0], by: permit).json(updates: nil))
            },
        ]
    }

    private static func filter(_ call: Call) throws -> Registry.ProposalFilter {
        var filter = Registry.ProposalFilter()
        filter.search = call.query["search"]
        filter.source = call.query["source"]
        filter.state = try call.word("state", Proposal.State.self)
        filter.after = call.query["cursor"]
        let limit = try RequestTarget.numbers(of: call.query.filter { $0.key == "limit" })["limit"]
        filter.limit = min(max(limit ?? usualPage, 1), largestPage)
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
