import ServiceKit
import Testing

@Suite("What differs between two documents")
struct JSONDiffTests {
    private func diff(_ old: String?, _ new: String) -> String {
        JSONDiff.text(from: old.map { Array($0.utf8) }, to: Array(new.utf8))
    }

    @Test("A changed line stands among those around it")
    func changed() {
        let old = #"{"description":"Adds.\nBoth are numbers.\nNothing else.","name":"add"}"#
        let new = #"{"description":"Adds.\nBoth are numbers\u200b.\nNothing else.","name":"add"}"#
        #expect(
            diff(old, new) == #"""
                  {
                    "description": "Adds.
                -     Both are numbers.
                +     Both are numbers\u{200b}.
                      Nothing else.",
                    "name": "add"
                  }
                """#
        )
    }

    @Test("Of a new tool everything is new")
    func new() {
        #expect(
            diff(nil, #"{"inputSchema":{"required":[],"type":"object"},"name":"a"}"#) == #"""
                + {
                +   "inputSchema": {
                +     "required": [],
                +     "type": "object"
                +   },
                +   "name": "a"
                + }
                """#
        )
    }

    @Test("What has not changed is left out where it is long")
    func cut() {
        let lines = (0..<40).map { "line \($0)" }
        let old = #"{"description":"\#(lines.joined(separator: "\\n"))"}"#
        let new = old.replacing("line 20", with: "LINE 20")
        let diff = diff(old, new).split(separator: "\n")
        #expect(diff.count == 10)
        #expect(diff.first == "  ..." && diff.last == "  ...")
        #expect(diff.contains { $0.hasPrefix("- ") && $0.hasSuffix("line 20") })
    }

    @Test("Thousands of lines are compared in time, and what is no JSON is shown")
    func hostile() {
        let one = #"{"description":"\#((0..<20_000).map { "a\($0)" }.joined(separator: "\\n"))"}"#
        let two = #"{"description":"\#((0..<20_000).map { "b\($0)" }.joined(separator: "\\n"))"}"#
        #expect(diff(one, two).split(separator: "\n").count > 40_000)
        #expect(diff(nil, "{\"name\":\"a\",\"name\":\"\u{200B}\"}") == #"+ {"name":"a","name":"\u{200b}"}"#)
    }
}
