internal import Contract
internal import MCP
internal import StrictJSON
internal import TransparencyLog

/// A definition as a machine has reported it, judged anew: what is hashed is what an administrator reads, whatever the
/// machine says.
struct ReportedDefinition {
    let text: [UInt8]
    var digest: Hash { .of(text) }

    /// Nil for a name that no list shows, or that is not the definition's own.
    init?(_ tool: ToolsReport.Tool) {
        let definition = ToolDefinition(tool.definition)
        guard definition.name == nil || definition.name == tool.name, Self.isName(tool.name) else { return nil }
        text = definition.text
    }

    /// Whether a list can show a tool of this name.
    static func isName(_ name: JSONText) -> Bool {
        (1...1024).contains(name.utf8.count) && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
