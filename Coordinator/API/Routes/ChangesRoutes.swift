internal import AuditSink
internal import Bytes
internal import Contract
internal import Database
internal import HTTPTypes
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// `/v1/changes`: what administrators have changed, each a leaf of the organisation's log.
struct ChangesRoutes: Sendable {
    let changes: ChangeLog
    let clock: MachineClock

    var operations: [Operation] {
        [
            Operation(
                "GET",
                "/v1/changes",
                for: Right.ReadRecords.self,
                query: Paging.fields.union(["who", "what", "from", "to"])
            ) { call, permit in
                var filter = ChangeLog.Filter()
                filter.who = call.query["who"]
                filter.what = call.query["what"]
                let now = UTCTime(microseconds: Int(clock.wall()))
                filter.from = try call.moment("from", now: now)?.microseconds
                filter.to = try call.moment("to", now: now)?.microseconds
                return try .list("changes", try await changes.changes(filter, try call.page(), for: permit), \.json)
            },
            Operation("GET", "/v1/changes/{position}", for: Right.ReadRecords.self) { call, permit in
                let position = try RequestTarget.number(call.parameters[0])
                return .json(try await changes.change(position, for: permit).json)
            },
        ]
    }
}
