internal import Contract
internal import Database
internal import Definitions
internal import HTTPTypes
internal import Rights
internal import StrictJSON
internal import TransparencyLog

/// `/v1/tools`: how servers describe their tools, and what of it may be shown.
struct ToolsRoutes: Sendable {
    let definitions: ToolDefinitions

    var operations: [Operation] {
        [
            Operation("GET", "/v1/tools", for: Right.ReadTools.self, query: Paging.fields.union(["server", "tool"])) {
                call,
                permit in
                let tools = try await definitions.list(
                    server: call.query["server"],
                    tool: call.query["tool"],
                    for: permit
                )
                // What is approved together is all that waits of a server.
                let waiting = call.query["tool"] == nil ? WaitingTools.all(among: tools) : []
                let page = try Paging.part(of: tools, try call.page()) { tool in
                    [.text(tool.server), .text(tool.tool), .text(tool.definition.base64URL)]
                }
                return .json([
                    "tools": .array(page.items.map(\.json)), "waiting": .array(waiting.map(\.json)),
                    "next": try page.next.map { .text(try Paging.cursor($0)) } ?? .null,
                ])
            },
            Operation("POST", "/v1/tools/approvals/all", for: Right.ApproveTools.self) { call, permit in
                let (server, listing) = try call.document { reader in
                    let text = try reader.text("listing")
                    guard let hash = Hash(base64URL: text) else {
                        throw ShapeError(reader.path("listing"), "must be a hash in base64url")
                    }
                    return (try reader.text("server"), hash)
                }
                let (approved, left) = try await definitions.approveAll(server, listing: listing, by: permit)
                return .json(["tools": .array(approved.map(\.json)), "left": .array(left.map(\.json))])
            },
            // The name of a tool is in the body: it may be anything, and a path may not.
            Operation("POST", "/v1/tools/approvals", for: Right.ApproveTools.self) { call, permit in
                let (server, tool, definition) = try call.document { reader in
                    let definition = try reader.optionalText("definition")
                    return (
                        try reader.text("server"), try reader.text("tool"),
                        try definition.map { text in
                            guard let hash = Hash(base64URL: text) else {
                                throw ShapeError(reader.path("definition"), "must be a hash in base64url")
                            }
                            return hash
                        }
                    )
                }
                let approved = try await definitions.approve(
                    server,
                    tool,
                    definition: definition,
                    by: permit
                )
                return .json(approved.json)
            },
        ]
    }
}
