import StrictJSON
import Testing

@testable import StrictYAML

private func parse(_ text: String, limits: JSONLimits = .message) throws -> JSONValue {
    try StrictYAML.parse(Array(text.utf8), limits: limits)
}

@Suite("YAML that is read")
struct StrictYAMLTests {
    @Test(
        "A file becomes the tree that JSON would give",
        arguments: [
            ("a: 1", #"{"a":1}"#),
            ("a:\n  - x\n  - {b: c, d: [e, 'f']}\n", #"{"a":["x",{"b":"c","d":["e","f"]}]}"#),
            ("a: # words\n- 1\n- -7\n# more\n", #"{"a":[1,-7]}"#),
            ("[a, \"b\"]", #"["a","b"]"#),
            ("---\na: b\n...\n", #"{"a":"b"}"#),
            ("a: |\n  two\n  lines\n", #"{"a":"two\nlines\n"}"#),
            ("a: >-\n  one\n  line\n", #"{"a":"one line"}"#),
            ("a: \"\\u00e9\\t\"", #"{"a":"é\t"}"#),
            ("\"a b\": ''", #"{"a b":""}"#),
            ("a: b\r\nc: d\r\n", #"{"a":"b","c":"d"}"#),
            ("? a\n: b\n", #"{"a":"b"}"#),
            ("Fürst: 日本", #"{"Fürst":"日本"}"#),
            ("just text", #""just text""#),
        ]
    )
    func tree(text: String, json: String) throws {
        #expect(try parse(text) == JSONValue(parsing: Array(json.utf8), topLevel: .anything))
    }

    @Test(
        "What is plainly true, false, nothing or a whole number is that",
        arguments: [
            ("true", JSONValue.bool(true)), ("false", false), ("null", nil), ("~", nil), ("", nil), ("0", 0),
            ("12", 12), ("-12", -12), ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ]
    )
    func plain(text: String, value: JSONValue) throws {
        #expect(try parse("a: \(text)") == ["a": value])
        #expect(try parse("- \(text)") == [value])
    }

    @Test(
        "What readers disagree about is read as the text that is there",
        arguments: [
            "yes", "no", "on", "off", "y", "n", "True", "TRUE", "Null", "NULL", "012", "0o17", "0x1F", "0b11", "+1",
            "-0",
            "1_000", "12:30", "190:20:30", "1.5", "1.0", "1e3", ".inf", "-.INF", ".nan", "2026-01-01",
            "2026-01-01T00:00:00Z", "9223372036854775808", "60/min", "=", "repo://x#y", "a:b", "get_*",
        ]
    )
    func text(text: String) throws {
        #expect(try parse("a: \(text)") == ["a": .text(text)])
    }

    @Test("Quotes make text of anything", arguments: ["true", "12", "null", "", "<<", "&a", "!b", "*c"])
    func quoted(text: String) throws {
        #expect(try parse("a: '\(text)'") == ["a": .text(text)])
        #expect(try parse("a: \"\(text)\"") == ["a": .text(text)])
        #expect(try parse("'\(text)': 1") == [JSONText(text): 1])
    }

    @Test("JSON is read as JSON, with its escapes")
    func json() throws {
        #expect(try parse(#" { "a": "\ud83d\ude00\/", "b":[1,{"c":null}] }"#) == ["a": "😀/", "b": [1, ["c": nil]]])
        // Not JSON for its comment, and read all the same.
        #expect(try parse("{ \"a\": \"b\", # c\n d: 1 }") == ["a": "b", "d": 1])
    }

    @Test("An empty file is nothing", arguments: ["", "\n\n", "# words\n", "---\n"])
    func empty(text: String) throws {
        #expect(try parse(text) == nil)
    }
}
