internal import AuditSink
internal import Bytes
internal import Contract
internal import Database
internal import Rights
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// What administrators have changed, each a leaf of the organisation's log.
struct ChangesPages: Sendable {
    let changes: ChangeLog

    private static let page = 50

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/changes", for: Right.ReadRecords.self, query: ["who", "what", "before"]) {
                visit,
                permit in
                try await list(visit, permit)
            },
            ConsolePage("GET", "/changes/{position}", for: Right.ReadRecords.self) { visit, permit in
                guard let position = Int(visit.parameters[0]), position >= 0 else {
                    throw Refused("unknown_change", "There is no such change.", next: "See the list of changes.")
                }
                return one(visit, try await changes.change(position, for: permit))
            },
        ]
    }

    private func list(_ visit: Visit, _ permit: Permit<Right.ReadRecords>) async throws -> PageAnswer {
        let form = Form(visit.query)
        var filter = ChangeLog.Filter()
        filter.who = form.optional("who")
        filter.what = form.optional("what")
        let after = form.optional("before").flatMap { Int($0) }.map { [SQLValue.integer($0)] }
        let found = try await changes.changes(filter, PageRequest(limit: Self.page, after: after), for: permit)
        let isFiltered = filter.who != nil || filter.what != nil
        var section = Section(
            "changes",
            "Changes",
            Table(
                "What administrators have changed",
                [.init("What"), .init("Change"), .init("By"), .init("When"), .init("Leaf", isNumber: true)],
                found.items.map { change in
                    let kind = Self.kind(change)
                    return Table.Row([
                        Cell(VisibleText.of(change.what), href: "/changes/\(change.position)", isCode: true),
                        Cell(kind.word, badge: kind.tone), Cell(change.user ?? VisibleText.of(change.who)),
                        .moment(change.time / 1_000_000), Cell(Numbers.count(change.position)),
                    ])
                }
            ),
            else: EmptyState(
                message: isFiltered ? "No change fits" : "Nothing was changed yet",
                next: "Each change of servers, people, tokens, tools and the policy will be here, with who made it."
            )
        )
        if let last = found.items.last, found.next != nil {
            let fields = ["who", "what"].compactMap { name in form.optional(name).map { (name, $0) } }
            let query = FormBody.query(fields + [("before", "\(last.position)")])
            section.pager = Pager(text: "", items: [PageLink(name: "Older", href: "/changes?\(query)")])
        }
        var filters = Section("filters", "Filter")
        filters.form = FormView(
            action: "/changes",
            csrf: "",
            fields: [
                .text("who", "By", hint: "An e-mail address.", in: form),
                .text("what", "What", hint: "Such as policy, servers or people.", in: form),
            ],
            submit: "Show",
            cancel: isFiltered ? PageLink(name: "All changes", href: "/changes") : nil,
            method: "get"
        )
        return .page(
            SectionsView(sections: [section, filters]),
            in: visit.shell(
                .changes,
                "Changes",
                lede: "What administrators have changed: each is a leaf of a log that nobody can rewrite."
            )
        )
    }

    private static func kind(_ change: StatedChange) -> (word: String, tone: Tone) {
        if change.before == nil { return ("Added", .good) }
        return change.after == nil ? ("Removed", .bad) : ("Changed", .calm)
    }

    private func one(_ visit: Visit, _ proven: ProvenChange) -> PageAnswer {
        let change = proven.change
        let kind = Self.kind(change)
        var facts = Section("facts", "What was done")
        facts.facts = Facts([
            ("What", Cell(VisibleText.of(change.what), isCode: true)), ("Change", Cell(kind.word, badge: kind.tone)),
            ("By", Cell(change.user ?? VisibleText.of(change.who))), ("When", .moment(change.time / 1_000_000)),
        ])
        var sections = [facts]
        let (before, after) = (change.before, change.after)
        if before?.text != nil || after?.text != nil {
            var section = Section("difference", "Before and after", about: "As kept; their hashes are in the log")
            section.diff = DiffView("What differs", Self.difference(before?.text, after?.text))
            sections.append(section)
        }
        var hashes = Section("hashes", "In the organisation's log")
        hashes.facts = Facts([
            ("Leaf", Cell(Numbers.count(change.position), small: "With its proof: GET /v1/changes/\(change.position)")),
            ("Before", Cell(before?.digest ?? "Nothing", isCode: before != nil)),
            ("After", Cell(after?.digest ?? "Nothing", isCode: after != nil)),
        ])
        hashes.code = Code(name: "The signed state of the log", text: VisibleTextLines.of(proven.checkpoint))
        sections.append(hashes)
        return .page(
            SectionsView(sections: sections),
            in: visit.shell(
                .changes,
                "Change \(Numbers.count(change.position))",
                parent: PageLink(name: "Changes", href: "/changes")
            )
        )
    }

    private static func difference(_ before: [UInt8]?, _ after: [UInt8]?) -> String {
        let isJSON = [before, after].compactMap { $0 }.allSatisfy { (try? JSONValue(parsing: $0)) != nil }
        if isJSON, let after { return JSONDiff.text(from: before, to: after) }
        let text = LineDiff.text(from: before ?? [], to: after ?? [])
        return VisibleTextLines.of(text)
    }
}

/// Text of several lines in which every character is seen for what it is.
enum VisibleTextLines {
    static func of(_ text: String) -> String {
        LineDiff.lines(of: text).map { VisibleText.of($0) }.joined(separator: "\n")
    }
}
