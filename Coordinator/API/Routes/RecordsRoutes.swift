internal import AuditSink
internal import Contract
internal import HTTPTypes
internal import Rights
internal import StrictJSON

/// `/v1/agents/{id}/log`: the stored records of a machine, to be copied and removed.
struct RecordsRoutes: Sendable {
    let removal: LogRemoval

    var operations: [Operation] {
        [
            Operation("GET", "/v1/agents/{id}/log", for: Right.MakeReports.self, query: ["from"]) { call, permit in
                let from = try RequestTarget.numbers(of: call.query)["from"] ?? 0
                let piece = try await removal.records(call.parameters[0], from: from, for: permit)
                var headers = HTTPFields()
                if let name = HTTPField.Name("Doorward-Log-Next") { headers[name] = "\(piece.next)" }
                return Answer(type: "application/jsonl", bytes: piece.records, headers: headers)
            },
            Operation("DELETE", "/v1/agents/{id}/log", for: Right.RemoveRecords.self) { call, permit in
                let outcome = try await removal.remove(call.parameters[0], by: permit)
                return .json([
                    "agent_id": .text(call.parameters[0]), "removed_below": .int(outcome.below),
                    "bytes": .int(outcome.bytes),
                ])
            },
        ]
    }
}
