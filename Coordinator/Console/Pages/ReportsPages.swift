internal import AuditSink
internal import Bytes
internal import Contract
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// Reports: asked for here, made while nobody waits, fetched when they are ready.
struct ReportsPages: Sendable {
    let jobs: ReportJobs

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/reports", for: Right.MakeReports.self) { visit, permit in
                if let job = jobs.job(for: permit) { return page(visit, Form.empty, job: job) }
                return page(visit, Form.empty)
            },
            ConsolePage("POST", "/reports", for: Right.MakeReports.self) { visit, permit in
                do {
                    let job = jobs.begin(try Self.choice(visit), by: permit)
                    return .redirect(to: "/reports/\(job.id)")
                } catch let error as ShapeError {
                    let refused = Refused.malformed(error, code: "invalid_request")
                    return page(visit, visit.form.refused(refused), refused)
                }
            },
            ConsolePage("GET", "/reports/{id}", for: Right.MakeReports.self) { visit, permit in
                page(visit, Form.empty, job: try jobs.job(visit.parameters[0], for: permit))
            },
        ]
    }

    private static func choice(_ visit: Visit) throws -> ReportChoice {
        var object: JSONObject = [
            "from": .text(visit.form.optional("from") ?? "-7d"),
            "to": .text(visit.form.optional("to") ?? "2099-01-01T00:00:00Z"),
        ]
        object["user"] = visit.form.optional("user").map { .text($0) }
        object["server"] = visit.form.optional("server").map { .text($0) }
        return try ReportChoice(.object(object), now: UTCTime(seconds: visit.now))
    }

    private func page(_ visit: Visit, _ form: Form, _ refused: Refused? = nil, job: ReportJob? = nil) -> PageAnswer {
        var sections: [Section] = []
        if let job { sections.append(Self.section(job)) }
        var section = Section("new", job == nil ? "A new report" : "Another report")
        section.form = FormView(
            action: "/reports",
            csrf: visit.csrf,
            fields: [
                .text(
                    "from",
                    "From",
                    hint:
                        "A time in UTC such as 2026-11-22T00:00:00Z, or -24h or -7d. Left empty: the last seven days.",
                    in: form
                ),
                .text("to", "To", hint: "Left empty: up to now.", in: form),
                .text(
                    "user",
                    "Person",
                    hint: "An e-mail address. Left empty: everybody, and the report proves that nothing is missing.",
                    in: form
                ),
                .text("server", "Server", hint: "An alias. Left empty: all.", in: form),
            ],
            submit: "Make the report"
        )
        sections.append(section)
        var shell = visit.shell(
            .reports,
            "Reports",
            lede: "What happened, with all that proves it to somebody who trusts nobody here.",
            refused: refused
        )
        if case .waiting? = job?.state { shell.refresh = 2 }
        if case .making? = job?.state { shell.refresh = 2 }
        return .page(SectionsView(sections: sections), in: shell, refused: refused)
    }

    private static func section(_ job: ReportJob) -> Section {
        var section = Section("report", "Your report", about: range(job.choice))
        switch job.state {
        case .waiting:
            section.progress = Progress(label: "Waiting for another report to be finished", value: nil, most: 1)
        case .making(let done, let all):
            section.progress = Progress(
                label: "\(Numbers.count(done)) of \(Numbers.count(all)) records looked at",
                value: "\(done)",
                most: max(all, 1)
            )
        case .ready(let records, let bytes):
            section.texts = [
                "\(Numbers.of(records, "record", "records")), \(Numbers.bytes(bytes)) before it is packed. It is kept for a quarter of an hour.",
                "Anybody can verify it without a network: doorward verify report",
            ]
            section.links = Actions(items: [
                Action("Download the report", "/v1/reports/jobs/\(job.id)/archive", isPrimary: true)
            ])
        case .failed(let refused):
            section.empty = EmptyState(
                message: VisibleText.of(refused.message),
                next: VisibleText.of(refused.next ?? "")
            )
        }
        return section
    }

    private static func range(_ choice: ReportChoice) -> String {
        var text = "From \(Moment.text(choice.from.seconds))"
        if choice.to.seconds < 4_000_000_000 { text += " to \(Moment.text(choice.to.seconds))" }
        if let user = choice.user { text += ", \(VisibleText.of(user))" }
        if let server = choice.server { text += ", \(VisibleText.of(server))" }
        return text
    }
}
