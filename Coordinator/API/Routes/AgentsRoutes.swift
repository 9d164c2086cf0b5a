internal import AuditLog
internal import AuditSink
internal import Bytes
internal import Contract
internal import Database
internal import Fleet
internal import HTTPTypes
internal import People
internal import Rights
internal import StrictJSON
internal import TransparencyLog

/// What machines ask for themselves, how they come in, and who they are to administrators.
struct AgentsRoutes: Sendable {
    let fleet: Fleet
    /// Whether people can enrol their machines with a browser.
    let hasProvider: Bool
    let log: OrgLog
    let database: SQLDatabase
    let logs: AgentLogs
    let intake: AgentLogIntake

    var operations: [Operation] {
        [
            Operation("GET", "/v1/identity", for: .anonymous) { _ in .json(try await identity()) },
            Operation("POST", "/v1/enrolments", for: .anonymous, largestBody: Fleet.largestEnrolment) { call in
                // Signed by the key that the body brings: the fleet judges both together.
                .json(try await fleet.enrol(call.signed, body: call.body).json, status: .created)
            },
            Operation(
                "GET",
                "/v1/agents",
                for: Right.ReadPeople.self,
                query: Paging.fields.union(["user", "presence", "locked", "version"])
            ) { call, permit in
                var filter = Fleet.Filter()
                filter.user = call.query["user"]
                filter.presence = try call.word("presence", AgentSummary.Presence.self)
                filter.isLocked = try call.flag("locked")
                filter.version = call.query["version"]
                return try .list("agents", try await fleet.agents(filter, try call.page(), for: permit)) { agent in
                    agent.json.tagged(try agent.tag)
                }
            },
            Operation("GET", "/v1/agents/{id}", for: Right.ReadPeople.self) { call, permit in
                let agent = try await fleet.agent(call.parameters[0], for: permit)
                return .tagged(agent.json, try agent.tag)
            },
            Operation("PUT", "/v1/agents/{id}/lock", for: Right.RevokeMachines.self) { call, permit in
                let why = try call.body.isEmpty ? nil : call.document { reader in try reader.optionalText("why") }
                let agent = try await fleet.lock(call.parameters[0], why: why, by: permit)
                return .tagged(agent.json, try agent.tag)
            },
            Operation("DELETE", "/v1/agents/{id}/lock", for: Right.RevokeMachines.self) { call, permit in
                let agent = try await fleet.unlock(call.parameters[0], by: permit)
                return .tagged(agent.json, try agent.tag)
            },
            Operation("DELETE", "/v1/agents/{id}", for: Right.RevokeMachines.self, query: ["enrolled"]) {
                call,
                permit in
                let (agent, ended) = try await fleet.revoke(
                    call.parameters[0],
                    enrolled: try call.word("enrolled", EnrolledMachines.self) ?? .keep,
                    expecting: try call.expectation(),
                    by: permit
                )
                return .json(ended.joined(to: agent.json))
            },
            Operation("GET", "/v1/agent/bundle", for: .agent, query: Self.questions) { call, machine in
                let question = try Self.question(call.query)
                let news = try await call.cancelOnDisconnect { try await fleet.news(question, for: machine) }
                return news.map { .json($0.json) } ?? .nothing
            },
            Operation("POST", "/v1/agent/tools", for: .agent, largestBody: ToolsReport.largest) { call, machine in
                try await fleet.take(try Self.report(call), from: machine)
                return .nothing
            },
            Operation("POST", "/v1/agent/health", for: .agent, largestBody: HealthReport.largest) { call, machine in
                try await fleet.take(try Self.health(call), from: machine)
                return .nothing
            },
            Operation("POST", "/v1/agent/leave", for: .agent) { _, machine in
                try await fleet.leave(machine)
                return .nothing
            },
            Operation("GET", "/v1/agent-log", for: .agent) { _, machine in
                .json(try await logs.state(machine.id).json)
            },
            Operation("POST", "/v1/agent-log", for: .agent, largestBody: LogUpload.largest) { call, machine in
                .json(try await intake.take(call.body, from: machine.id).json)
            },
        ]
    }

    private static func report(_ call: Call) throws -> ToolsReport {
        do {
            return try ToolsReport(try call.json())
        } catch let error as ShapeError {
            throw Refused.malformed(error, code: "invalid_tools")
        }
    }

    private static func health(_ call: Call) throws -> HealthReport {
        do {
            return try HealthReport(try call.json())
        } catch let error as ShapeError {
            throw Refused.malformed(error, code: "invalid_health")
        }
    }

    /// Who the coordinator is, for a machine that has not pinned it yet: signed by the key that it names.
    private func identity() async throws -> JSONValue {
        let checkpoint = try await database.read { [log] view in try log.head(in: view).checkpoint }
        return [
            "key": .text(log.key.publicKey.base64URL), "origin": .text(log.key.names.audit),
            "org_checkpoint": .text(checkpoint), "version": .text(Release.version),
            "browser_sign_in": .bool(hasProvider),
        ]
    }

    private static let questions: Set = ["after", "epoch", "org", "policy", "release", "seen"]

    private static func question(_ fields: [String: String]) throws -> SyncQuestion {
        let numbers = try RequestTarget.numbers(of: fields.filter { $0.key != "release" && $0.key != "seen" })
        return SyncQuestion(
            after: numbers["after"] ?? 0,
            epoch: numbers["epoch"] ?? 0,
            orgSize: numbers["org"],
            seen: fields["seen"].flatMap { Base64.decodeURL($0.utf8) },
            policyVersion: numbers["policy"],
            release: fields["release"]
        )
    }
}
