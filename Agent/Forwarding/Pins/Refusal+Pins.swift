internal import AuditLog
internal import MCP
internal import StrictJSON

extension Refusal {
    /// A tool whose definition waits for approval, or was never approved where every one has to be.
    static func quarantined(_ tool: JSONText, server: JSONText, _ pins: ToolPins) -> Refusal {
        let isShown = tool.utf8.withUnsafeBufferPointer(RecordName.isPlain)
        let why =
            if pins.hasChanged(tool) {
                "{server} has changed the definition of {item} since it was approved"
            } else if pins.held[tool] != nil {
                "{item} is new at {server}, and nobody has approved its definition"
            } else {
                "An administrator has to approve each tool of {server}, and has not approved {item}"
            }
        let command = "doorward admin tools approve \(server.string) \(tool.string)"
        let next =
            isShown
            ? "an administrator can look at it with `doorward admin tools list {server}` and approve it with `\(command)`."
            : "an administrator can look at it with `doorward admin tools list {server}`."
        return Refusal(
            code: .denied,
            reason: "quarantined",
            message: "\(why), so it is not called: \(next)",
            command: isShown ? command : "doorward admin tools list \(server.string)",
            server: server
        )
    }
}
