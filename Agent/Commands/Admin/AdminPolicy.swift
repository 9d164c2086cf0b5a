import ArgumentParser
internal import Contract
import Foundation
internal import PolicyFile
internal import StrictJSON
internal import Fetch

/// `doorward admin policy`: the rules of the organisation.
struct AdminPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check, apply and show the policy.",
        subcommands: [Check.self, Apply.self, Show.self]
    )

    /// `doorward admin policy check FILE`: everything that can be said about a file without a coordinator.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a policy file and run its tests."
        )

        @Argument(help: "The policy file: YAML or JSON.")
        var file: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { _ in
                let warnings = try Verdict(try PolicyText.read(file)).check()
                return Facts(
                    ["ok": true, "problems": [], "warnings": .array(warnings.map(\.json))],
                    Verdict.words("The file is good, and its tests pass.", warnings)
                )
            }
        }
    }

    /// `doorward admin policy apply FILE`: what agents enforce within seconds.
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "apply", abstract: "Put a policy into force.")

        @Argument(help: "The policy file: YAML or JSON.")
        var file: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let text = try PolicyText.read(file)
                let warnings = try Verdict(text).check()
                return try await context.asAdmin { try await apply(text, warnings, $0) }
            }
        }

        private func apply(_ text: [UInt8], _ warnings: [FieldProblem], _ admin: AdminConnection) async throws -> Facts
        {
            let current = try await admin.send("GET", "/v1/policy")
            try AdminConnection.check(current)
            let response = try await admin.send(
                "PUT",
                "/v1/policy",
                headers: [("If-Match", current.header("etag") ?? "*"), ("Content-Type", "application/yaml")],
                body: text
            )
            do {
                try AdminConnection.check(response)
            } catch let problem as Problem where problem.members["problems"] != nil {
                throw Verdict.refusal(FieldProblem.list(problem.members["problems"]))
            }
            let answer = try JSONValue(parsing: response.body)
            let version = answer["version"]?.int ?? 0
            return Facts(
                [
                    "ok": true, "problems": [], "version": .int(version),
                    "warnings": .array(warnings.map(\.json)),
                ],
                Verdict.words(
                    "Version \(version) is in force; agents that are online have it within two seconds.",
                    warnings
                )
            )
        }
    }

    /// `doorward admin policy show`: the file in force, as it was applied.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the policy in force.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let response = try await context.asAdmin { try await $0.send("GET", "/v1/policy") }
                try AdminConnection.check(response)
                let text = String(decoding: response.body, as: UTF8.self)
                let version = response.header("doorward-policy-version").flatMap { Int($0) } ?? 0
                return Facts(
                    [
                        "version": .int(version), "etag": .text(response.header("etag") ?? ""), "file": .text(text),
                    ],
                    text
                )
            }
        }
    }
}

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
}

/// What is wrong with a policy file.
private struct Verdict {
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
    static func words(_ sentence: String, _ warnings: [FieldProblem]) -> String {
        ([sentence] + warnings.map { "warning: \($0.place) \($0.why)" }).joined(separator: "\n")
    }

    static func refusal(_ problems: [FieldProblem]) -> CommandFailure {
        let lines = problems.map { $0.place.isEmpty ? $0.why : "\($0.place): \($0.why)" }
        return CommandFailure(
            "policy_refused",
            "The policy is refused, and nothing was changed:\n  \(lines.joined(separator: "\n  "))",
            next: "Mend the file, then: doorward admin policy check FILE",
            json: ["ok": false, "problems": .array(problems.map(\.json))]
        )
    }
}
