import Policy
import StrictJSON
import Testing

@Suite("Patterns of names")
struct PatternTests {
    @Test(
        "A pattern is a name, or a beginning with one * behind it",
        arguments: [
            ("get_*", "get_issue", true), ("get_*", "get_", true), ("get_*", "get", false), ("*", "", true),
            ("get", "get", true), ("get", "get_", false), ("get", "Get", false), ("get", "", false),
        ]
    )
    func matching(pattern: String, name: String, expected: Bool) throws {
        #expect(try Pattern(.text(pattern), at: "").matches(JSONText(name)) == expected)
    }

    @Test("Two spellings of one letter are two names, since a server takes them for two")
    func bytes() throws {
        let composed = try Pattern(.text("caf\u{E9}"), at: "")
        #expect(composed.matches(JSONText("caf\u{E9}")))
        #expect(!composed.matches(JSONText("cafe\u{301}")))
        #expect(!(try Pattern(.text("K"), at: "").matches(JSONText("\u{212A}"))))
    }

    @Test("What could mean something else elsewhere is refused", arguments: ["*x", "a*b", "**", "", "a\u{0}", "a\nb"])
    func refused(text: String) {
        #expect(throws: ShapeError.self) { try Pattern(.text(text), at: "tools/0") }
    }

    @Test("A pattern is written as it was read", arguments: ["*", "get_*", "get", "repo://*"])
    func roundTrip(text: String) throws {
        #expect(try Pattern(.text(text), at: "").json == .text(text))
    }
}
