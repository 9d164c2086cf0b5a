internal import AgentState
import ArgumentParser
internal import AuditReport
import Foundation
internal import StrictJSON
internal import TransparencyLog

/// `doorward verify PATH`: checks a report without a network.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a report offline: what is proven, and what is not.",
        discussion: "The report has to be signed by the coordinator that this machine enrolled with, or by --key."
    )

    @Argument(help: "The folder of the report.")
    var path: String

    @Option(name: .long, help: "The fingerprint of the coordinator's key: SHA256:...")
    var key: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            let fingerprint = try key ?? Membership.load(context.home)?.coordinatorKey.fingerprint
            let verdict = ReportVerifier.verify(try ReportFolder(path), signedBy: fingerprint)
            let proven = verdict.proven.map { "proven      \($0)" }
            let notProven = verdict.notProven.map { "not proven  \($0)" }
            guard verdict.isOK else {
                let failure = verdict.failure.map { "\($0.place): \($0.why)" }
                throw CommandFailure(
                    "not_verified",
                    failure ?? "Nobody knows whose report this is: no key is pinned here, and none was named.",
                    next: failure == nil ? "doorward verify \(path) --key SHA256:..." : "Ask for the report again.",
                    json: verdict.json
                )
            }
            return Facts(verdict.json, words: ["The report verifies: \(verdict.records) records."] + proven + notProven)
        }
    }
}
