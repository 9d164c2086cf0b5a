internal import Contract
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
            Operation("GET", "/v1/tools", for: Right.ReadTools.self, query: ["server", "tool"]) { call, permit in
                let tools = try await definitions.list(
                    server: call.query["server"],
                    tool: call.query["tool"],
                    for: permit
                )
                return .json(["tools": .array(tools.map(\.json))])
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
