internal import Contract
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// The policy in force, as the coordinator has it.
struct PresentPolicy: Sendable {
    /// 0 before any was applied.
    let version: Int
    let file: [UInt8]
    /// The entity tag with its quotation marks.
    let tag: String

    /// How long a command waits that could do without.
    private static let patience: Duration = .seconds(5)

    init(_ admin: AdminConnection) async throws {
        let response = try await admin.send("GET", "/v1/policy")
        try AdminConnection.check(response)
        version = response.header("doorward-policy-version").flatMap { Int($0) } ?? 0
        file = response.body
        tag = response.header("etag") ?? "*"
    }

    /// The same for a command that works without; nil where this machine is not enrolled, its user may not see the policy,
    /// or the coordinator or the keyring does not answer at once.
    static func ifAtHand(_ context: CommandContext) async -> PresentPolicy? {
        guard (try? context.membership()) != nil else { return nil }
        let found = await Deadline.leaving(after: patience) { () async -> PresentPolicy? in
            try? await context.asAdmin { try await PresentPolicy($0) }
        }
        return found ?? nil
    }

    /// What precedes a difference.
    static func words(_ present: PresentPolicy?, _ diff: String?) -> [String] {
        guard let present, let diff else {
            return ["It was not compared with the policy in force, which cannot be seen from here."]
        }
        return diff.isEmpty
            ? ["It is the policy in force, version \(present.version), line by line."]
            : ["Compared with the policy in force, version \(present.version):"]
    }
}
