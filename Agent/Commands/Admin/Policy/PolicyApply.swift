import ArgumentParser
internal import Contract
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// What commands have that change the policy.
struct PolicyChangeOptions: ParsableArguments {
    @Option(help: "Why: a sentence, or the message of a commit. It stands in the history.")
    var why: String?

    @Option(help: "The ETag of the policy that this is to replace: where another one is in force, nothing is changed.")
    var ifMatch: String?

    /// The tag to be compared: what was asked for, else that of the policy that is being replaced.
    func tag(_ present: PresentPolicy) -> String {
        guard let ifMatch, ifMatch != "*" else { return ifMatch ?? present.tag }
        return ifMatch.hasPrefix("\"") ? ifMatch : "\"\(ifMatch)\""
    }
}

extension AdminPolicy {
    /// `doorward admin policy apply FILE`: what agents enforce within seconds.
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "apply",
            abstract: "Put a policy into force.",
            discussion: """
                From a repository: doorward admin policy apply policy.yaml --why "$(git log -1 --format=%B)"
                """
        )

        @Argument(help: "The policy file: YAML or JSON.")
        var file: String

        @OptionGroup var change: PolicyChangeOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let text = try PolicyText.read(file)
                let warnings = try PolicyVerdict(text).check()
                return try await context.asAdmin { try await apply(text, warnings, $0) }
            }
        }

        private func apply(_ text: [UInt8], _ warnings: [FieldProblem], _ admin: AdminConnection) async throws -> Facts
        {
            let present = try await PresentPolicy(admin)
            var headers = [("If-Match", change.tag(present)), ("Content-Type", "application/yaml")]
            if let why = change.why { headers.append(("Doorward-Why", PercentText.encode(why))) }
            let response = try await admin.send("PUT", "/v1/policy", headers: headers, body: text)
            let version = try AppliedVersion.of(response)
            let diff = LineDiff.text(from: present.file, to: text)
            return Facts(
                [
                    "ok": true, "problems": [], "version": .int(version), "replaced": .int(present.version),
                    "warnings": .array(warnings.map(\.json)), "diff": .text(diff),
                ],
                words: PolicyVerdict.words(AppliedVersion.words(version), warnings),
                payload: diff.isEmpty ? [] : [diff]
            )
        }
    }
}

/// What the coordinator says to a policy that it was to put into force.
enum AppliedVersion {
    /// The new version; throws the problems of a policy that was refused.
    static func of(_ response: FetchResponse) throws -> Int {
        do {
            try AdminConnection.check(response)
        } catch let problem as Problem where problem.members["problems"] != nil {
            throw PolicyVerdict.refusal(FieldProblem.list(problem.members["problems"]))
        }
        return try JSONValue(parsing: response.body)["version"]?.int ?? 0
    }

    static func words(_ version: Int) -> String {
        "Version \(version) is in force; agents that are online have it within two seconds."
    }
}

/// Text in a header: UTF-8, percent-encoded where it is not printable ASCII (RFC 3986 section 2.1).
private enum PercentText {
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let encoded = text.utf8.flatMap { byte -> [UInt8] in
            let isPlain = (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%")
            return isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
