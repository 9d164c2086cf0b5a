internal import AuditSink
internal import StrictJSON

extension OperationDescription {
    private static let choice = Content.json(
        .closed(["from": .moment, "to": .moment, "user": .address.optional, "server": .alias.optional])
    )
    private static let archive = Content.bytes(["application/gzip"])
    private static let job = Schema.object([
        "id": .text, "choice": .map(.any), "state": .word(["waiting", "making", "ready", "failed"]),
        "done": .count.optional, "of": .count.optional, "records": .count.optional, "bytes": .count.optional,
        "error": .object(["code": .text, "message": .text, "next": .text.orNull]).optional,
    ]).named("ReportJob")
    private static let record = Schema.object([
        "agent_id": .text, "seq": .count, "user": .text, "result": .word(RecordFilter.Wanted.self),
        "record": .map(.any),
    ]).named("Record")
    private static let tally = Schema.object([
        "calls": .count, "ok": .count, "tool_errors": .count, "failed": .count, "cancelled": .count, "denied": .count,
        "limited": .count, "sign_ins": .count, "success_percent": .count.orNull, "p50_ms": .count.orNull,
        "p95_ms": .count.orNull, "p99_ms": .count.orNull,
    ]).named("Tally")
    private static let side = Schema.object(["digest": .hash, "document": .any.optional, "text": .text.optional])
        .named("ChangedText")
    private static let change = Schema.object([
        "position": .count, "time": .time, "who": .text, "user": .text.orNull, "what": .text, "before": side.orNull,
        "after": side.orNull,
    ]).named("Change")

    /// Records, reports, measures and what administrators have changed.
    static let audit: [String: OperationDescription] = [
        "GET /v1/records": .init(
            "What was recorded, the newest first.",
            query: [
                "agent": .text, "call": .text, "client": .text, "cursor": .text, "from": .moment, "to": .moment,
                "item": .text, "limit": .integer(1...RecordLog.largestPage), "result": .word(RecordFilter.Wanted.self),
                "server": .text, "user": .text,
            ],
            answer: .object(["records": .array(record), "next": .text.orNull, "cut_short": .boolean])
        ),
        "GET /v1/records/{agent}/{seq}": .init(
            "One record with what proves it.",
            path: ["seq": .text("0|[1-9][0-9]{0,14}")],
            answer: .all(
                record,
                .object([
                    "bytes": .text, "hash": .hash, "key": .text, "proven": .array(.text), "not_proven": .array(.text),
                    "proof": .text, "org_proof": .text,
                ])
            )
        ),
        "GET /v1/measures": .init(
            "How calls went: over time, by server and by person.",
            query: ["span": .word(MeasureSpan.self)],
            answer: .object([
                "span": .text, "from": .time, "to": .time, "total": tally,
                "steps": .array(.all(tally, .object(["from": .time]))),
                "servers": .array(.all(tally, .object(["server": .text]))),
                "people": .array(.all(tally, .object(["user": .text]))),
            ])
        ),
        "GET /v1/changes": .init(
            "What administrators have changed, the newest first; each is a leaf of the organisation's log.",
            query: page([
                "who": .field.about("An id, or an e-mail address."),
                "what": .field.about("A path, or the beginning of one: `servers`, `servers/github`."), "from": .moment,
                "to": .moment,
            ]),
            answer: .page("changes", change)
        ),
        "GET /v1/changes/{position}": .init(
            "One change with what proves it.",
            path: ["position": .text("0|[1-9][0-9]{0,14}")],
            answer: .all(change, .object(["proof": .provenLeaf, "checkpoint": .text]))
        ),
        "POST /v1/reports": .init(
            "Makes a report, with its proofs, as a tar.gz.",
            body: choice,
            answers: [200: archive]
        ),
        "POST /v1/reports/jobs": .init(
            "Begins to make a report, of which can be asked how far it is.",
            body: choice,
            answers: [202: .json(job)]
        ),
        "GET /v1/reports/jobs/{id}": .init("How far a report is.", answer: job),
        "GET /v1/reports/jobs/{id}/archive": .init("A report that is ready.", answers: [200: archive]),
    ]
}
