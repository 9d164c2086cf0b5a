internal import AuditSink
internal import Contract
internal import HTTPTypes
internal import People
internal import StrictJSON

/// `/v1/agents/{id}/log`: the stored records of a machine, to be copied and removed.
struct RecordsRoutes: Sendable {
    let removal: LogRemoval

    var operations: [Operation] {
        [
            Operation("GET", "/v1/agents/{id}/log", for: .right(.makeReports), query: ["from"]) { call in
                let from = try RequestTarget.numbers(of: call.query)["from"] ?? 0
                let piece = try await removal.records(call.parameters[0], from: from)
                var headers = HTTPFields()
                if let name = HTTPField.Name("Doorward-Log-Next") { headers[name] = "\(piece.next)" }
                return Answer(type: "application/jsonl", bytes: piece.records, headers: headers)
            },
            Operation("DELETE", "/v1/agents/{id}/log", for: .right(.removeRecords)) { call in
                let outcome = try await removal.remove(call.parameters[0], by: try call.caller().sub)
                return .json([
                    "agent_id": .text(call.parameters[0]), "removed_below": .int(outcome.below),
                    "bytes": .int(outcome.bytes),
                ])
            },
        ]
    }
}
