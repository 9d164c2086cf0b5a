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
                let file = policy.version == 0 ? Self.first(visit.caller.email) : String(decoding: policy.file.bytes, as: UTF8.self)
                return editor(visit, EditorView(visit, etag: policy.tag, file: file))
            },
            // Needs only the right to check, so that a sign-in which is no longer recent loses nothing that was written.
            ConsolePage("POST", "/policy/edit", for: Right.CheckPolicy.self, largestForm: Self.largestForm) {
                visit, permit in
                switch visit.form["do"] {
                case "apply": try await apply(visit)
                case "back": editor(visit, EditorView(visit, etag: visit.form["etag"], file: visit.form.exact("file")))
                case "review": try await review(visit, permit)
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

/// The editor of the policy.
struct EditorView {
    struct Finding {
        let place: String
        let why: String
    }

    struct Findings {
        let items: [Finding]
    }

    let csrf: String
    var etag: String
    let file: String
    var problems: Findings?
    var warnings: Findings?
    /// Whether it was checked, and nothing is wrong.
    var isGood = false
    var diff: DiffView?
    var version = 0
    var why: Field?

    init(_ visit: Visit, etag: String, file: String) {
        csrf = visit.csrf
        self.etag = etag
        self.file = file
    }

    static func findings(_ findings: [(place: String, why: String)]) -> Findings? {
        guard !findings.isEmpty else { return nil }
        return Findings(items: findings.map { Finding(place: VisibleText.of($0.place), why: VisibleText.of($0.why)) })
    }
}

/// The pages on which a policy is written.
enum PolicyTemplates {
    static let all = ["policy-editor": editor, "policy-review": review]

    private static let editor = """
        {{<layout}}
        {{$content}}
        {{#page.problems}}
        <div class="note bad" role="alert"><strong>The file cannot be applied as it is</strong><ul class="findings">{{#items}}<li><code>{{place}}</code> {{why}}</li>{{/items}}</ul></div>
        {{/page.problems}}
        {{#page.isGood}}
        <div class="note good" role="status"><strong>Nothing is wrong with it, and its tests pass</strong>{{^page.diff}}<p>It is the policy in force: there is nothing to apply.</p>{{/page.diff}}</div>
        {{/page.isGood}}
        {{#page.warnings}}
        <div class="note warn" role="status"><strong>Rules that change nothing</strong><ul class="findings">{{#items}}<li><code>{{place}}</code> {{why}}</li>{{/items}}</ul></div>
        {{/page.warnings}}
        <section class="card" aria-labelledby="file-heading">
          <header><h2 id="file-heading">The file</h2><p>YAML or JSON</p></header>
          <form method="post" action="/policy/edit" class="form wide" data-keep>
            <input type="hidden" name="csrf" value="{{page.csrf}}">
            <input type="hidden" name="etag" value="{{page.etag}}">
            <div class="field">
              <label for="file">Policy</label>
        <textarea id="file" name="file" class="tall" rows="24" spellcheck="false" autocomplete="off">
        {{page.file}}</textarea>
            </div>
            <div class="row">
              <button class="button primary" name="do" value="review">Review and apply</button>
              <button class="button" name="do" value="check">Check, and show what changes</button>
              <a class="button plain" href="/policy">Leave it as it is</a>
            </div>
          </form>
        </section>
        {{#page.diff}}<section class="card" aria-labelledby="diff-heading"><header><h2 id="diff-heading">What changes</h2><p>Against the policy in force</p></header>{{>diff}}</section>{{/page.diff}}
        {{/content}}
        {{/layout}}

        """

    private static let review = """
        {{<layout}}
        {{$content}}
        {{#page.warnings}}
        <div class="note warn" role="status"><strong>Rules that change nothing</strong><ul class="findings">{{#items}}<li><code>{{place}}</code> {{why}}</li>{{/items}}</ul></div>
        {{/page.warnings}}
        {{#page.diff}}<section class="card" aria-labelledby="diff-heading"><header><h2 id="diff-heading">What changes</h2><p>Its tests pass</p></header>{{>diff}}</section>{{/page.diff}}
        <section class="card" aria-labelledby="apply-heading">
          <header><h2 id="apply-heading">Apply</h2></header>
          <form method="post" action="/policy/edit" class="form">
            <input type="hidden" name="csrf" value="{{page.csrf}}">
            <input type="hidden" name="etag" value="{{page.etag}}">
        <textarea name="file" hidden aria-label="The file">
        {{page.file}}</textarea>
        {{#page.why}}{{>field}}{{/page.why}}
            <div class="row">
              <button class="button primary" name="do" value="apply">Apply it</button>
              <button class="button" name="do" value="back">Back to the editor</button>
            </div>
          </form>
        </section>
        {{/content}}
        {{/layout}}

        """
}
