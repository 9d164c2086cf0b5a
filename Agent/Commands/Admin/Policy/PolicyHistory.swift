import ArgumentParser
internal import StrictJSON

extension AdminPolicy {
    /// `doorward admin policy history`: who applied which policy when, and why.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "history",
            abstract: "List the policies that were put into force, from the newest on."
        )

        @Option(help: "So many at most.")
        var limit = 20

        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (1...100_000).contains(limit) else { throw ValidationError("--limit takes 1 to 100000.") }
        }

        func run() async throws {
            try await report(output) { context in
                let (versions, next) = try await context.asAdmin { try await pages($0) }
                let rows = versions.map { version in
                    [
                        "\(version["version"]?.int ?? 0)", version["applied"]?.text ?? "", version["user"]?.text ?? "",
                        PlainText.visible(Self.reason(version)),
                    ]
                }
                return Facts(
                    ["versions": .array(versions), "next": next.map { .text($0) } ?? .null],
                    words: Table.lines(
                        ["VERSION", "APPLIED", "BY", "WHY"],
                        rows,
                        empty: "No policy was applied yet: everything is denied."
                    )
                )
            }
        }

        private func pages(_ admin: AdminConnection) async throws -> (versions: [JSONValue], next: String?) {
            var versions: [JSONValue] = []
            var next: String?
            repeat {
                let cursor = next.map { "&cursor=\($0)" } ?? ""
                let size = min(limit - versions.count, 200)
                let page = try await admin.json("GET", "/v1/policy/versions?limit=\(size)\(cursor)")
                versions += page["versions"]?.array ?? []
                next = page["next"]?.text
            } while next != nil && versions.count < limit
            return (versions, next)
        }

        /// The first line of the reason.
        private static func reason(_ version: JSONValue) -> String {
            let former = version["rolled_back_to"]?.int.map { "back to version \($0)" }
            let line = version["why"]?.text?.split(separator: "\n").first.map(String.init)
            return [former, line].compactMap { $0 }.joined(separator: ": ")
        }
    }

    /// `doorward admin policy show`: the file in force, or an earlier one, as it was applied.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the policy in force.")

        @Option(help: "An earlier version.")
        var version: Int?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                guard let version else {
                    let present = try await context.asAdmin { try await PresentPolicy($0) }
                    let text = String(decoding: present.file, as: UTF8.self)
                    let json: JSONValue = [
                        "version": .int(present.version), "etag": .text(present.tag), "file": .text(text),
                    ]
                    return Facts(json, words: [], payload: PolicyText.lines(text))
                }
                let answer = try await context.asAdmin { try await $0.json("GET", "/v1/policy/versions/\(version)") }
                return Facts(answer, words: [], payload: PolicyText.lines(answer["file"]?.text ?? ""))
            }
        }
    }

    /// `doorward admin policy diff A [B]`: what differs between two versions.
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff",
            abstract: "Show what differs between two versions, line by line."
        )

        @Argument(help: "A version; 0 is the empty policy before any was applied.")
        var old: Int

        @Argument(help: "Another; without it, the one in force.")
        var new: Int?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let answer = try await context.asAdmin { admin in
                    let newest = if let new { new } else { try await PresentPolicy(admin).version }
                    return try await admin.json("GET", "/v1/policy/versions/\(newest)/diff?from=\(old)")
                }
                let diff = answer["diff"]?.text ?? ""
                return Facts(
                    answer,
                    words: diff.isEmpty ? ["They are the same, line by line."] : [],
                    payload: diff.isEmpty ? [] : [diff]
                )
            }
        }
    }

    /// `doorward admin policy roll-back VERSION`: the file of an earlier version as a new one.
    struct RollBack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "roll-back",
            abstract: "Put the file of an earlier version into force again, as a new version."
        )

        @Argument(help: "The version, as `doorward admin policy history` lists it.")
        var version: Int

        @OptionGroup var change: PolicyChangeOptions

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                try await context.asAdmin { admin in
                    let present = try await PresentPolicy(admin)
                    var body = JSONObject()
                    body["why"] = change.why.map { .text($0) }
                    let response = try await admin.send(
                        "POST",
                        "/v1/policy/versions/\(version)/roll-back",
                        headers: [("If-Match", change.tag(present)), ("Content-Type", "application/json")],
                        body: JSONValue.object(body).bytes
                    )
                    let newest = try AppliedVersion.of(response)
                    return Facts(
                        [
                            "ok": true, "problems": [], "version": .int(newest), "replaced": .int(present.version),
                            "rolled_back_to": .int(version),
                        ],
                        "The file of version \(version) is back. \(AppliedVersion.words(newest))"
                    )
                }
            }
        }
    }
}
