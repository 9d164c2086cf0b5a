import ArgumentParser
internal import Contract
internal import Fetch
internal import StrictJSON

extension AdminServers {
    /// `doorward admin servers settings`: how the registry is published.
    struct Settings: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "settings",
            abstract: "Show how the registry is published to clients, or change it.",
            discussion: """
                Clients such as VS Code read it at the coordinator's URL, by the official Registry API. Without --public \
                they need a token or a signed request, which most cannot send.
                """
        )

        @Flag(inversion: .prefixedNo, help: "Anybody who reaches the coordinator may read what everybody may use.")
        var `public`: Bool?

        @Option(name: .long, help: "The address of agents that clients are told (default http://127.0.0.1:7717).")
        var agentURL: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await report(output) { context in
                let (isPublic, agent) = (self.public, agentURL)
                let settings = try await context.asAdmin { admin -> JSONValue in
                    guard isPublic != nil || agent != nil else {
                        return try await admin.json("GET", AdminConnection.registrySettings)
                    }
                    return try await admin.changeRegistry { settings in
                        if let isPublic { settings["public"] = .bool(isPublic) }
                        if let agent { settings["agent_url"] = .text(agent) }
                    }
                }
                let who = settings["public"]?.bool == true ? "Anybody" : "Whoever proves who they are"
                return Facts(
                    settings,
                    "\(who) may read the official Registry API; agents are at \(settings["agent_url"]?.text ?? "")."
                )
            }
        }
    }
}

extension AdminConnection {
    static let registrySettings = "/v1/settings/registry"

    /// Changes the settings of the registry, unless somebody else does so at the same time; returns all of them.
    func changeRegistry(_ change: (inout JSONObject) throws -> Void) async throws -> JSONValue {
        let current = try await send("GET", Self.registrySettings)
        try Self.check(current)
        guard case .object(var settings) = try JSONValue(parsing: current.body) else { return .null }
        try change(&settings)
        let response = try await send(
            "PUT",
            Self.registrySettings,
            headers: [("If-Match", current.header("etag") ?? "*"), ("Content-Type", "application/json")],
            body: JSONValue.object(settings).bytes
        )
        try Self.check(response)
        return try JSONValue(parsing: response.body)
    }
}
