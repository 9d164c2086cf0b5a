internal import Bytes
internal import Contract
internal import PolicyFile
internal import PolicyStore
internal import Rights
internal import ServiceKit
internal import StrictJSON

/// Writing a policy: check it as often as wanted, look at what changes, say why, apply it.
extension PolicyPages {
    var editorPages: [ConsolePage] {
        [
            ConsolePage("GET", "/policy/edit", for: Right.EditPolicy.self) { visit, _ in
                let policy = try await desk.current(for: try visit.caller.permit())
                let file =
                    policy.version == 0
                    ? Self.first(visit.caller.email) : String(decoding: policy.file.bytes, as: UTF8.self)
                return editor(visit, EditorView(visit, etag: policy.tag, file: file))
            },
            ConsolePage("GET", "/policy/suggestion", for: Right.ReadRecords.self) { visit, permit in
                try await suggestion(visit, permit)
            },
            // Needs only the right to check, so that a sign-in which is no longer recent loses nothing that was written.
            ConsolePage("POST", "/policy/edit", for: Right.CheckPolicy.self, largestForm: Self.largestForm) {
                visit,
                permit in
                switch visit.form["do"] {
                case "apply": try await apply(visit)
                case "back": editor(visit, EditorView(visit, etag: visit.form["etag"], file: visit.form.exact("file")))
                case "review": try await review(visit, permit)
                case "try": try await tried(visit, permit)
                default: try await check(visit, permit)
                }
            },
        ]
    }

    /// What somebody begins with who has no policy yet.
    private static func first(_ email: String) -> String {
        """
        version: 1
        roles:
          everybody:
            grant:
              - { server: ALIAS }
        bind:
          - { everyone: true, role: everybody }
        forbid:
          - { tools: ["delete_*"], because: "deletions go through review" }
        tests:
          - { user: \(email), call: ALIAS/delete_thing, expect: deny, because: forbidden }

        """
    }

    private func editor(_ visit: Visit, _ view: EditorView, _ refused: Refused? = nil) -> PageAnswer {
        .page(
            view,
            in: visit.shell(
                .policy,
                "Edit the policy",
                lede: "Nothing changes before you have seen what does, and pressed apply.",
                parent: PageLink(name: Self.title, href: "/policy"),
                refused: refused
            ),
            as: "policy-editor",
            refused: refused
        )
    }

    private func judged(_ visit: Visit, _ permit: Permit<Right.CheckPolicy>) async throws -> EditorView {
        let file = visit.form.exact("file")
        let (problems, warnings) = try await desk.check(Array(file.utf8), for: permit)
        var view = EditorView(visit, etag: visit.form["etag"], file: file)
        view.problems = EditorView.findings(problems.map { ($0.place, $0.why) })
        view.warnings = EditorView.findings(warnings.map { ($0.place, $0.why) })
        view.isGood = problems.isEmpty
        let current = try await desk.current(for: try visit.caller.permit())
        let diff = LineDiff.text(from: current.file.bytes, to: Array(file.utf8))
        view.diff = diff.isEmpty ? nil : DiffView("What differs from the policy in force", Self.shown(Array(diff.utf8)))
        view.version = current.version
        return view
    }

    private func check(_ visit: Visit, _ permit: Permit<Right.CheckPolicy>) async throws -> PageAnswer {
        editor(visit, try await judged(visit, permit))
    }

    // MARK: On record

    private static func lately(_ visit: Visit) -> ReplayChoice {
        ReplayChoice(since: UTCTime(seconds: max(0, visit.now - 7 * 86_400)), until: UTCTime(seconds: visit.now))
    }

    /// What the file would make of the calls of the last seven days.
    private func tried(_ visit: Visit, _ permit: Permit<Right.CheckPolicy>) async throws -> PageAnswer {
        var view = try await judged(visit, permit)
        guard view.isGood else { return editor(visit, view) }
        do {
            let file = Array(visit.form.exact("file").utf8)
            let simulation = try await desk.simulation(of: file, on: Self.lately(visit), for: try visit.caller.permit())
            view.trial = TrialView(try await simulation.run())
            return editor(visit, view)
        } catch let refused as Refused {
            return editor(visit, view, refused)
        }
    }

    /// The least policy for what people did in the last seven days, in the editor.
    private func suggestion(_ visit: Visit, _ permit: Permit<Right.ReadRecords>) async throws -> PageAnswer {
        let suggested = try await desk.suggestion(from: Self.lately(visit), hasPrefixes: true, for: permit)
        let current = try await desk.current(for: try visit.caller.permit())
        var view = EditorView(visit, etag: current.tag, file: String(decoding: suggested.file, as: UTF8.self))
        let source =
            "It opens what \(Numbers.of(suggested.calls, "call", "calls")) of "
            + "\(Numbers.of(suggested.people, "person", "people")) used in the last seven days, and nothing else."
        view.notes = EditorView.Notes(items: [source] + suggested.notes.map { VisibleText.of($0) })
        return editor(visit, view)
    }

    private func review(_ visit: Visit, _ permit: Permit<Right.CheckPolicy>) async throws -> PageAnswer {
        var view = try await judged(visit, permit)
        guard view.isGood, view.diff != nil else { return editor(visit, view) }
        view.why = Self.why(visit.form)
        return .page(
            view,
            in: visit.shell(
                .policy,
                "Apply this policy?",
                lede: "It becomes version \(view.version + 1), and machines that are online obey it within seconds.",
                parent: PageLink(name: Self.title, href: "/policy")
            ),
            as: "policy-review"
        )
    }

    private func apply(_ visit: Visit) async throws -> PageAnswer {
        do {
            let permit: Permit<Right.EditPolicy> = try visit.caller.permit()
            let reason = try visit.form.optional("why").map { try ChangeReason($0) }
            _ = try await desk.apply(
                Array(visit.form.exact("file").utf8),
                expecting: .oneOf([visit.form["etag"]]),
                why: reason,
                by: permit
            )
            return .redirect(to: "/policy", done: "applied")
        } catch let refused as Refused {
            var view = EditorView(visit, etag: visit.form["etag"], file: visit.form.exact("file"))
            view.problems = EditorView.findings(
                (refused.members["problems"]?.array ?? []).map { ($0["where"]?.text ?? "", $0["why"]?.text ?? "") }
            )
            // Written while somebody else has applied another one: it can be looked at beside that, and applied then.
            if refused.code == "precondition_failed" {
                view.etag = try await desk.current(for: try visit.caller.permit()).tag
            }
            return editor(visit, view, refused)
        }
    }
}
