import MCP
import Testing

@Suite("What definitions say that tools do")
struct ToolHintsTests {
    @Test(
        "Hints are read as the protocol has them, and nothing that has two readings is believed",
        arguments: [
            ("{}", ToolHints.assumed), (#"{"annotations":{}}"#, .assumed), (#"{"annotations":null}"#, .assumed),
            (#"{"annotations":{"readOnlyHint":true}}"#, [.readOnly, .openWorld]),
            (#"{"annotations":{"readOnlyHint":true,"destructiveHint":true}}"#, [.readOnly, .openWorld]),
            (#"{"annotations":{"destructiveHint":false,"openWorldHint":false}}"#, []),
            (#"{"annotations":{"destructiveHint":false,"idempotentHint":true}}"#, [.idempotent, .openWorld]),
            (#"{"annotations":{"title":"x","openWorldHint":false}}"#, [.destructive]),
            (#"{"annotations":{"readOnlyHint":"true"}}"#, .assumed),
            (#"{"annotations":{"readOnlyHint":null}}"#, .assumed),
            (#"{"annotations":{"readOnlyHint":true,"ReadOnlyHint":false}}"#, .assumed),
            (#"{"annotations":{"readOnlyHint":true},"Annotations":{}}"#, .assumed),
            (#"{"annotations":{"readOnlyHint":true},"annotations":{"readOnlyHint":true}}"#, .assumed),
        ] as [(String, ToolHints)]
    )
    func hints(definition: String, expected: ToolHints) {
        #expect(ToolDefinition(Array(definition.utf8)).hints == expected)
    }
}
