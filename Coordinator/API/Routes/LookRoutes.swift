internal import AuditLog
internal import AuditSink
internal import Bytes
internal import Contract
internal import Fleet
internal import HTTPTypes
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// `/v1/measures`, `/v1/records` and `/v1/server-health`: how it goes, and what was recorded.
struct LookRoutes: Sendable {
    let measures: Measures
    let records: RecordLog
    let fleet: Fleet
    let clock: MachineClock

    /// How many records one answer has if the caller does not say it.
    private static let usualPage = 50
    private static let filters: Set = [
        "agent", "call", "client", "cursor", "from", "item", "limit", "result", "server", "to", "user",
    ]

    var operations: [Operation] {
        [
            Operation("GET", "/v1/measures", for: Right.ReadRecords.self, query: ["span"]) { call, permit in
                let span = try call.word("span", MeasureSpan.self) ?? .day
                return .json(try await measures.report(span, for: permit).json)
            },
            Operation("GET", "/v1/server-health", for: Right.ReadServers.self) { _, permit in
                let standings = try await fleet.serverStandings(for: permit)
                return .json(["servers": .array(standings.map(\.json))])
            },
            Operation("GET", "/v1/records", for: Right.ReadRecords.self, query: Self.filters) { call, permit in
                let asked = try RequestTarget.numbers(of: call.query.filter { $0.key == "limit" })["limit"]
                let limit = asked ?? Self.usualPage
                guard (1...RecordLog.largestPage).contains(limit) else {
                    throw Problem.badQuery("needs a number from 1 to \(RecordLog.largestPage) for limit")
                }
                let cursor = try call.query["cursor"].map { text in
                    guard let cursor = RecordCursor(text) else {
                        throw Problem.badQuery("has a cursor of another list")
                    }
                    return cursor
                }
                let found = try await records.find(
                    try filter(call),
                    after: cursor,
                    limit: limit,
                    for: permit
                )
                return .json([
                    "records": .array(found.records.map(\.json)), "next": found.next.map { .text($0.text) } ?? .null,
                    "cut_short": .bool(found.isCutShort),
                ])
            },
            Operation("GET", "/v1/records/{agent}/{seq}", for: Right.ReadRecords.self) { call, permit in
                guard let seq = Int(call.parameters[1]), seq >= 0 else { throw Problem.noSuchPath }
                return .json(try await records.record(call.parameters[0], seq, for: permit).json)
            },
        ]
    }

    private func filter(_ call: Call) throws -> RecordFilter {
        var filter = RecordFilter()
        let now = UTCTime(microseconds: Int(clock.wall()))
        func moment(_ name: String) throws -> Int64? {
            guard let text = call.query[name] else { return nil }
            guard let time = ReportChoice.moment(text, now: now) else {
                throw Problem.badQuery("needs a time in UTC like 2026-11-22T11:35:50Z, or -24h, for \(name)")
            }
            return Int64(time.microseconds)
        }
        filter.from = try moment("from") ?? filter.from
        filter.to = try moment("to") ?? filter.to
        filter.user = call.query["user"]
        filter.agent = call.query["agent"]
        filter.server = call.query["server"]
        filter.client = call.query["client"]
        filter.item = call.query["item"]
        filter.call = call.query["call"]
        if let wanted = try call.word("result", RecordFilter.Wanted.self) { filter.results = wanted.results }
        return filter
    }
}
