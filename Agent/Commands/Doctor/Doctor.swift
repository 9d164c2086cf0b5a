import ArgumentParser
internal import StrictJSON

/// `doorward doctor`: what is wrong with this machine's part, and how each of it is mended.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find what is wrong here, and say how to mend it.",
        discussion: """
            Looks at the agent, its files, the keyring, the coordinator, the clock, the policy, the sandbox and each server.
            It changes nothing and asks the keyring's user for nothing; it works with and without a running agent.
            The exit status is 0 where all is well, 3 where you have to sign in, unlock or enrol, 1 for anything else.
            """
    )

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let findings = await Checkup(context).findings()
            let failed = findings.filter { $0.state == .failed }
            let needed = findings.filter { $0.state == .needsUser }
            let json: JSONValue = [
                "ok": .bool(failed.isEmpty && needed.isEmpty), "checks": .array(findings.map(\.json)),
            ]
            let words = Self.words(findings)
            guard let first = failed.first ?? needed.first else { return Facts(json, words: words) }
            if !output.json { for word in words { Output.line(PlainText.visible(word)) } }
            throw CommandFailure(
                "unhealthy",
                "\(failed.count + needed.count) of \(findings.count) checks found something to mend, first: \(first.name).",
                next: first.next,
                status: failed.isEmpty ? .needsUser : .failed,
                json: json
            )
        }
    }

    private static func words(_ findings: [Finding]) -> [String] {
        let width = findings.map(\.name.count).max() ?? 0
        return findings.flatMap { finding -> [String] in
            let mark =
                switch finding.state {
                case .ok: "ok     "
                case .warning: "warning"
                case .failed: "FAILED "
                case .needsUser: "YOU    "
                case .skipped: "-      "
                }
            let name = finding.name + String(repeating: " ", count: width - finding.name.count)
            let line = "\(mark)  \(name)  \(finding.message)"
            guard let next = finding.next else { return [line] }
            return [line, String(repeating: " ", count: width + 11) + "next: \(next)"]
        }
    }
}
