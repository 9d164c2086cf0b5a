internal import Bytes
internal import Contract
internal import Database
internal import Fleet
internal import HTTPTypes
internal import Registry
internal import Rights
internal import StrictJSON

/// `/v0.1/servers`: the official MCP Registry API, read-only, for clients that others have made.
struct CatalogRoutes: Sendable {
    let fleet: Fleet
    let registry: Registry

    /// How many an answer has if the caller does not say it, and at most: as the official registry has it.
    private static let usualPage = 30
    private static let largestPage = 100

    private static let list = "/v0.1/servers"
    private static let versions = "/v0.1/servers/{serverName}/versions"
    private static let version = "/v0.1/servers/{serverName}/versions/{version}"

    var operations: [Operation] {
        let reading = [
            operation(
                Self.list,
                ["cursor", "limit", "search", "updated_since", "version", "include_deleted"]
            ) { call, permit in
                let page = try await fleet.catalog(try Self.query(call), page: try Self.page(call), for: permit)
                return Self.answer(page.items, next: try page.next.map(Paging.cursor))
            },
            operation(Self.versions, ["include_deleted"]) { call, permit in
                let found = try await fleet.catalog(
                    name: call.parameters[0],
                    includesDeleted: try Self.flag("include_deleted", call),
                    for: permit
                )
                return Self.answer(found, next: nil)
            },
            operation(Self.version, ["include_deleted"]) { call, permit in
                let found = try await fleet.catalog(
                    name: call.parameters[0],
                    version: call.parameters[1],
                    includesDeleted: try Self.flag("include_deleted", call),
                    for: permit
                )
                return .json(found[0].json)
            },
        ]
        // Browsers ask first whether a page may send what it wants to send.
        let asking = [Self.list, Self.versions, Self.version].map { path in
            Operation("OPTIONS", path, for: .anonymous) { _ in .nothing }.published()
        }
        return reading + asking
    }

    private func operation(
        _ path: String,
        _ query: Set<String>,
        _ answer: @escaping @Sendable (Call, Permit<Right.ReadCatalog>?) async throws -> Answer
    ) -> Operation {
        Operation(
            "GET",
            path,
            for: Right.ReadCatalog.self,
            orAnybodyWhere: { [registry] in try await registry.isPublic() },
            query: query,
            answer: answer
        ).published()
    }

    private static func answer(_ servers: [PublishedServer], next: String?) -> Answer {
        var metadata: JSONObject = ["count": .int(servers.count)]
        metadata["nextCursor"] = next.map { .text($0) }
        return .json(["servers": .array(servers.map(\.json)), "metadata": .object(metadata)])
    }

    private static func page(_ call: Call) throws -> PageRequest {
        let limit = try RequestTarget.numbers(of: call.query.filter { $0.key == "limit" })["limit"] ?? usualPage
        guard limit >= 1 else { throw Problem.badQuery("needs a number from 1 to \(largestPage) for limit") }
        // An empty cursor is that of the first page.
        guard let cursor = call.query["cursor"], !cursor.isEmpty else {
            return PageRequest(limit: min(limit, largestPage))
        }
        guard let place = Paging.place(cursor) else { throw Problem.badQuery("needs a cursor of this list for cursor") }
        return PageRequest(limit: min(limit, largestPage), after: place)
    }

    private static func query(_ call: Call) throws -> CatalogQuery {
        var query = CatalogQuery()
        query.search = call.query["search"].flatMap { $0.isEmpty ? nil : $0 }
        query.includesDeleted = try flag("include_deleted", call)
        if let version = call.query["version"], !version.isEmpty {
            query.version = version == "latest" ? .latest : .exactly(version)
        }
        if let text = call.query["updated_since"] {
            guard let time = UTCTime(text) else {
                throw Problem.badQuery("needs a time like 2026-11-22T11:35:50Z for updated_since")
            }
            query.updatedSince = time.seconds
        }
        return query
    }

    private static func flag(_ name: String, _ call: Call) throws -> Bool {
        guard let text = call.query[name] else { return false }
        guard ["true", "false"].contains(text) else { throw Problem.badQuery("needs true or false for \(name)") }
        return text == "true"
    }
}
