import ArgumentParser
import Foundation
internal import Logging
internal import ServiceKit
internal import StrictJSON

/// The one option that every command has which prints facts.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print exactly one JSON object on standard output.")
    var json = false
}

/// What a command found: for scripts, and for people.
struct Facts {
    let json: JSONValue
    /// Lines for a terminal.
    let words: [String]
    /// The lines that the user asked for, apart: the program's own messages are not among them.
    let payload: [String]

    init(_ json: JSONValue, words: [String], payload: [String] = []) {
        self.json = json
        self.words = words
        self.payload = payload.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
    }

    init(_ json: JSONValue, _ words: String) {
        self.init(json, words: [words])
    }
}

/// Standard output and standard error.
enum Output {
    static func line(_ text: String) { Console.answer(text) }

    static func line(_ json: JSONValue) { Console.answer(json.bytes) }

    /// A message for people, beside what a script reads.
    static func note(_ text: String) { Console.note(text) }

    /// The same, with text of a stranger on a line of its own.
    static func note(_ text: String, stranger: String) {
        Console.note(text)
        Console.note("  \(PlainText.visible(stranger))")
    }

    static func print(_ facts: Facts, asJSON: Bool) {
        if asJSON {
            line(facts.json)
        } else {
            for word in facts.words { line(PlainText.visible(word)) }
            for line in facts.payload { Output.line(PlainText.visible(line)) }
        }
    }

    static func print(_ failure: CommandFailure, asJSON: Bool, isLogged: Bool = false) {
        if isLogged {
            let metadata: Logger.Metadata = ["error.code": "\(failure.code)", "next": "\(failure.next ?? "")"]
            Logger(label: "doorward").error("\(failure.message)", metadata: metadata)
        } else {
            note("doorward: error: \(PlainText.visible(failure.message))")
            if let next = failure.next { note("doorward: next: \(PlainText.visible(next))") }
        }
        if asJSON { line(failure.document) }
    }
}

/// Text of strangers on a terminal.
enum PlainText {
    /// The text as one line, without what moves a cursor, rings a bell, turns the direction of writing or begins a line: who
    /// can end a line can forge the next.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isTreacherous) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\n" {
                result.append(contentsOf: "\\n".unicodeScalars)
            } else if isTreacherous(scalar) {
                result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func isTreacherous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control: scalar != "\t"
        case .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

/// Columns of text, as wide as their contents.
enum Table {
    static func lines(_ header: [String], _ rows: [[String]], empty: String) -> [String] {
        guard !rows.isEmpty else { return [empty] }
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
                .joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
    }
}
