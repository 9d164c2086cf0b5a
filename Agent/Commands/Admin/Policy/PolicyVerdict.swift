internal import Contract
import Foundation
internal import PolicyFile
internal import StrictJSON

/// Reads a policy file from disk.
enum PolicyText {
    static func read(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(
                "no_file",
                "There is no file \(path) that can be read.",
                next: "Name the policy file, such as policy.yaml"
            )
        }
        return Array(data)
    }

    /// The lines of a file; the end of the last one begins no other.
    static func lines(_ text: String) -> [String] {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        return lines.last == "" ? lines.dropLast() : lines
    }
}

/// What is wrong with a policy file.
struct PolicyVerdict {
    private let text: [UInt8]

    init(_ text: [UInt8]) {
        self.text = text
    }

    /// Throws what is wrong with the file; returns the rules of a good one that change nothing.
    func check() throws -> [FieldProblem] {
        do throws(PolicyRefusal) {
            return try PolicyFile(parsing: text).warnings.map { FieldProblem($0.place, $0.why) }
        } catch {
            throw Self.refusal(error.problems.map { FieldProblem($0.place, $0.why) })
        }
    }

    /// A sentence, with a line for each warning behind it.
    static func words(_ sentence: String, _ warnings: [FieldProblem]) -> [String] {
        [sentence] + warnings.map { "warning: \($0.place) \($0.why)" }
    }

    static func refusal(_ problems: [FieldProblem]) -> CommandFailure {
        let lines = problems.map { $0.place.isEmpty ? $0.why : "\($0.place): \($0.why)" }
        return CommandFailure(
            "policy_refused",
            "The policy is refused, and nothing was changed: \(lines.joined(separator: "; "))",
            next: "Mend the file, then: doorward admin policy check FILE",
            json: ["ok": false, "problems": .array(problems.map(\.json))]
        )
    }
}
