internal import AuditSink
internal import Bytes
internal import Contract
internal import Rights
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The records of everybody: looked for, and looked at one by one with what proves them.
struct AuditPages: Sendable {
    let records: RecordLog

    private static let page = 50
    private static let names = ["from", "to", "user", "server", "client", "item", "result", "agent", "call"]

    var pages: [ConsolePage] {
        [
            ConsolePage(
                "GET",
                "/audit",
                for: Right.ReadRecords.self,
                query: Set(Self.names + ["after"])
            ) { visit, permit in
                try await search(visit, permit)
            },
            ConsolePage("GET", "/audit/{agent}/{seq}", for: Right.ReadRecords.self) { visit, permit in
                guard let seq = Int(visit.parameters[1]), seq >= 0 else { throw Refused.noSuchRecord }
                return try await record(visit, try await records.record(visit.parameters[0], seq, for: permit), permit)
            },
            ConsolePage("GET", "/audit/{agent}/{seq}/proof", for: Right.ReadRecords.self) { visit, permit in
                guard let seq = Int(visit.parameters[1]), seq >= 0 else { throw Refused.noSuchRecord }
                let record = try await records.record(visit.parameters[0], seq, for: permit)
                return .file("record-\(seq).tlog-proof", "text/plain; charset=utf-8", record.proof.bytes)
            },
        ]
    }

    // MARK: Searching

    private func search(_ visit: Visit, _ permit: Permit<Right.ReadRecords>) async throws -> PageAnswer {
        let form = Form(visit.query)
        var problem: Refused?
        var found = FoundRecords()
        do {
            let cursor = form.optional("after").flatMap { RecordCursor($0) }
            found = try await records.find(try Self.filter(form, visit), after: cursor, limit: Self.page, for: permit)
        } catch let refused as Refused {
            problem = refused
        }
        let isFiltered = Self.names.contains { form.optional($0) != nil }
        let view = AuditView(
            fields: Self.fields(form),
            agent: form.optional("agent"),
            isFiltered: isFiltered,
            table: found.records.isEmpty ? nil : Self.table(found.records),
            empty: found.records.isEmpty ? Self.empty(isFiltered: isFiltered, isCutShort: found.isCutShort) : nil,
            pager: found.next.map { Self.pager($0, form, found) }
        )
        return .page(
            view,
            in: visit.shell(
                .audit,
                "Audit",
                lede: "Every call and every refusal on record, the newest first.",
                refused: problem
            ),
            as: "audit",
            refused: problem
        )
    }

    private static func filter(_ form: Form, _ visit: Visit) throws -> RecordFilter {
        var filter = RecordFilter()
        func moment(_ name: String) throws -> Int64? {
            guard let text = form.optional(name) else { return nil }
            guard let time = ReportChoice.moment(text, now: UTCTime(seconds: visit.now)) else {
                throw Refused.malformed(
                    ShapeError(name, "must be a time in UTC like 2026-11-22T11:35:50Z, or -24h or -7d before now"),
                    code: "invalid_request"
                )
            }
            return Int64(time.microseconds)
        }
        filter.from = try moment("from") ?? filter.from
        filter.to = try moment("to") ?? filter.to
        filter.user = form.optional("user")
        filter.agent = form.optional("agent")
        filter.server = form.optional("server")
        filter.client = form.optional("client")
        filter.item = form.optional("item")
        filter.call = form.optional("call")
        if let wanted = RecordFilter.Wanted(rawValue: form["result"]) {
            filter.results = wanted.results
        } else if filter.call != nil {
            filter.results = RecordFilter.Wanted.all.results
        }
        return filter
    }

    private static func fields(_ form: Form) -> [Field] {
        let results: [(String, String)] = [
            ("", "Calls and sign-ins"), ("ok", "Succeeded"), ("failed", "Failed"), ("denied", "Denied or limited"),
            ("sign_in", "Sign-in needed"), ("credentials", "Sign-ins and tokens"), ("request", "Lists and such"),
            ("machine", "Machines themselves"), ("begun", "Calls that have begun"), ("all", "Everything"),
        ]
        return [
            .select("result", "What", results, in: form),
            .text("user", "Person", in: form), .text("server", "Server", in: form),
            .text("item", "Tool or prompt", in: form), .text("client", "Client", in: form),
            .text("from", "From", in: form), .text("to", "To", in: form), .text("call", "Call or trace id", in: form),
        ]
    }

    private static func table(_ records: [FoundRecord]) -> Table {
        Table(
            "Records",
            [
                .init("When"), .init("What"), .init("Person"), .init("Server"), .init("How it went"),
                .init("Took", isNumber: true),
            ],
            records.map { found in
                let words = RecordWords(found)
                return Table.Row([
                    .exactly(Int(found.time / 1_000_000)).linked("/audit/\(found.agent)/\(found.seq)"),
                    Cell(words.what, small: words.client, isCode: words.isName), Cell(found.user),
                    Cell(words.server), Cell(words.outcome, small: words.why, badge: words.tone), Cell(words.duration),
                ])
            }
        )
    }

    private static func empty(isFiltered: Bool, isCutShort: Bool) -> EmptyState {
        if isCutShort {
            return EmptyState(
                message: "Nothing found so far",
                next: "There is more on record than one look goes through: look further back below."
            )
        }
        return isFiltered
            ? EmptyState(
                message: "Nothing on record fits",
                next: "Leave a filter out, or look at a longer time.",
                link: PageLink(name: "All records", href: "/audit")
            )
            : EmptyState(
                message: "Nothing is on record yet",
                next: "The first call through an enrolled machine is here within seconds."
            )
    }

    private static func pager(_ next: RecordCursor, _ form: Form, _ found: FoundRecords) -> Pager {
        let fields = names.compactMap { name in form.optional(name).map { (name, $0) } } + [("after", next.text)]
        return Pager(
            text: found.isCutShort
                ? "Looked back to \(Moment.text(Int(next.time / 1_000_000))), UTC"
                : Numbers.of(found.records.count, "record", "records"),
            items: [
                PageLink(
                    name: found.isCutShort ? "Look further back" : "Older",
                    href: "/audit?\(FormBody.query(fields))"
                )
            ]
        )
    }
}

/// The search over records.
struct AuditView {
    let fields: [Field]
    let agent: String?
    let isFiltered: Bool
    let table: Table?
    let empty: EmptyState?
    let pager: Pager?
}

/// The page of the search.
enum AuditTemplates {
    static let all = ["audit": page]

    private static let page = """
        {{<layout}}
        {{$content}}
        <section class="card" aria-labelledby="filters-heading">
          <h2 id="filters-heading" class="hidden">Filters</h2>
          <form method="get" action="/audit" class="stack">
            <div class="filters">{{#page.fields}}{{>field}}{{/page.fields}}</div>
            {{#page.agent}}<input type="hidden" name="agent" value="{{.}}"><p class="small soft">Only records of the machine <code>{{.}}</code></p>{{/page.agent}}
            <div class="row"><button class="button primary">Search</button>{{#page.isFiltered}}<a class="button plain" href="/audit">All records</a>{{/page.isFiltered}}</div>
          </form>
        </section>
        <section class="card flush" aria-labelledby="records-heading">
          <header><h2 id="records-heading">Records</h2></header>
          {{#page.table}}{{>table}}{{/page.table}}
          {{#page.empty}}{{>empty}}{{/page.empty}}
          {{#page.pager}}<div class="pager"><span>{{text}}</span><span class="row">{{#items}}<a class="button slim" href="{{href}}">{{name}}</a>{{/items}}</span></div>{{/page.pager}}
        </section>
        {{/content}}
        {{/layout}}

        """
}

extension Refused {
    static let noSuchRecord = Refused(
        "unknown_record",
        "There is no such record.",
        next: "Look for it in the audit search."
    )
}
