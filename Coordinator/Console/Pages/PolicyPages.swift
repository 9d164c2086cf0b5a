internal import Contract
internal import Database
internal import PolicyFile
internal import PolicyStore
internal import Rights
internal import ServiceKit

/// The policy: what is in force, how it came about, and how it is changed.
struct PolicyPages: Sendable {
    let desk: PolicyStore

    /// As large as a policy that the API takes, percent-encoded as forms are.
    static let largestForm = 6 << 20
    static let title = "Policy"

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/policy", for: Right.ReadPolicy.self) { visit, permit in
                try await current(visit, permit)
            },
            ConsolePage("GET", "/policy/history", for: Right.ReadPolicy.self, query: ["before"]) { visit, permit in
                try await history(visit, permit)
            },
            ConsolePage("GET", "/policy/history/{version}", for: Right.ReadPolicy.self) { visit, permit in
                try await version(visit, permit)
            },
            ConsolePage("GET", "/policy/history/{version}/restore", for: Right.EditPolicy.self) { visit, _ in
                try await restoring(visit)
            },
            ConsolePage("POST", "/policy/history/{version}/restore", for: Right.EditPolicy.self) { visit, permit in
                do {
                    let reason = try visit.form.optional("why").map { try ChangeReason($0) }
                    _ = try await desk.rollBack(
                        to: try Self.number(visit),
                        expecting: .oneOf([visit.form["etag"]]),
                        why: reason,
                        by: permit
                    )
                    return .redirect(to: "/policy", done: "restored")
                } catch let refused as Refused {
                    return try await restoring(visit, refused)
                }
            },
        ] + editorPages
    }

    // MARK: In force

    private func current(_ visit: Visit, _ permit: Permit<Right.ReadPolicy>) async throws -> PageAnswer {
        let policy = try await desk.current(for: permit)
        let newest = try await desk.history(PageRequest(limit: 1), for: permit).items.first
        var file = Section("file", "The file", about: newest.map { _ in "Version \(policy.version)" })
        if let newest {
            var facts: [(String, Cell)] = [
                ("Applied", .moment(newest.appliedAt)), ("By", Cell(newest.user)),
                ("Why", Cell(newest.why.map { VisibleText.of($0) } ?? "Nothing was said")),
            ]
            if let former = newest.rolledBackTo { facts.append(("Restored", Cell("The file of version \(former)"))) }
            file.facts = Facts(facts)
            file.code = Code(name: "The policy file", text: Self.shown(policy.file.bytes))
        } else {
            file.empty = EmptyState(
                message: "No policy is in force, so everything is denied",
                next: "Write the first one: a role that grants a server, bound to everyone or to somebody.",
                link: visit.may(.editPolicy) ? PageLink(name: "Write a policy", href: "/policy/edit") : nil
            )
        }
        var actions = [Action("History", "/policy/history")]
        if visit.may(.editPolicy) { actions.append(Action("Suggest one from what people did", "/policy/suggestion")) }
        if visit.may(.editPolicy) { actions.append(Action("Edit", "/policy/edit", isPrimary: true)) }
        return .page(
            SectionsView(actions: Actions(items: actions), sections: [file]),
            in: visit.shell(
                .policy,
                Self.title,
                lede: "What is not granted is denied; what is forbidden stays so whatever is granted.",
                done: [
                    "applied": "The policy is in force. Machines that are online obey it within seconds.",
                    "restored": "The former policy is in force again.",
                ]
            )
        )
    }

    // MARK: History

    private func history(_ visit: Visit, _ permit: Permit<Right.ReadPolicy>) async throws -> PageAnswer {
        let before = visit.query["before"].flatMap { Int($0) }.map { [SQLValue.integer($0)] }
        let history = try await desk.history(PageRequest(limit: 50, after: before), for: permit)
        var section = Section(
            "versions",
            "Versions",
            Table(
                "Policies that were in force",
                [.init("Version"), .init("Applied"), .init("By"), .init("Why")],
                history.items.map { version in
                    Table.Row([
                        Cell(
                            "Version \(version.version)",
                            small: version.rolledBackTo.map { "The file of version \($0)" },
                            href: "/policy/history/\(version.version)"
                        ),
                        .moment(version.appliedAt), Cell(version.user),
                        Cell(version.why.map { VisibleText.of($0) } ?? ""),
                    ])
                }
            ),
            else: EmptyState(
                message: "No policy was ever in force",
                next: "The first one that is applied will be here."
            )
        )
        if history.next != nil, let last = history.items.last {
            let older = PageLink(name: "Older", href: "/policy/history?before=\(last.version)")
            section.pager = Pager(text: "", items: [older])
        }
        return .page(
            SectionsView(sections: [section]),
            in: visit.shell(
                .policy,
                "History of the policy",
                lede: "Every file that was ever in force, with who applied it and why.",
                parent: PageLink(name: Self.title, href: "/policy")
            )
        )
    }

    private func version(_ visit: Visit, _ permit: Permit<Right.ReadPolicy>) async throws -> PageAnswer {
        let version = try await desk.version(try Self.number(visit), for: permit)
        let diff = try await desk.difference(from: version.version - 1, to: version.version, for: permit)
        var change = Section(
            "change",
            "What it changed",
            about: version.version == 1 ? "The first" : "Against version \(version.version - 1)"
        )
        change.facts = Facts([
            ("Applied", .moment(version.appliedAt)), ("By", Cell(version.user)),
            ("Why", Cell(version.why.map { VisibleText.of($0) } ?? "Nothing was said")),
        ])
        if diff.isEmpty {
            change.texts = ["Nothing: the file is the same."]
        } else {
            change.diff = DiffView("What differs", Self.shown(Array(diff.utf8)))
        }
        var file = Section("file", "The file")
        file.code = Code(name: "The policy file", text: Self.shown(version.file))
        let restore = Action("Put it in force again", visit.path("/policy/history/{}/restore"))
        return .page(
            SectionsView(
                actions: visit.may(.editPolicy) ? Actions(items: [restore]) : nil,
                sections: [change, file]
            ),
            in: visit.shell(
                .policy,
                "Version \(version.version)",
                parent: PageLink(name: "History of the policy", href: "/policy/history")
            )
        )
    }

    private func restoring(_ visit: Visit, _ refused: Refused? = nil) async throws -> PageAnswer {
        let permit: Permit<Right.ReadPolicy> = try visit.caller.permit()
        let number = try Self.number(visit)
        let (current, former) = (try await desk.current(for: permit), try await desk.version(number, for: permit))
        return .confirm(
            ConfirmView(
                consequences: [
                    "The file of version \(former.version) becomes version \(current.version + 1); its tests run first.",
                    "Machines that are online obey it within seconds.",
                ],
                form: .confirmation(
                    visit,
                    visit.path("/policy/history/{}/restore"),
                    "Put it in force",
                    fields: [Self.why(visit.form)],
                    hidden: [HiddenField(name: "etag", value: current.tag)],
                    cancel: visit.path("/policy/history/{}")
                )
            ),
            in: visit.shell(
                .policy,
                "Put version \(number) in force again?",
                parent: PageLink(name: "History of the policy", href: "/policy/history"),
                refused: refused
            ),
            refused: refused
        )
    }

    // MARK: Parts

    static func why(_ form: Form) -> Field {
        .text("why", "Why", hint: "One sentence for those who will ask; it is kept with the version.", in: form)
    }

    private static func number(_ visit: Visit) throws -> Int {
        guard let number = Int(visit.parameters[0]), number > 0 else {
            throw Refused(
                "unknown_version",
                "There is no such version of the policy.",
                next: "See the history of the policy."
            )
        }
        return number
    }

    /// Text of a file line by line, with nothing in it that is not seen.
    static func shown(_ file: [UInt8]) -> String {
        LineDiff.lines(of: file).map { VisibleText.of($0) }.joined(separator: "\n")
    }
}
