/// A part of a page, under a heading of its own; each of its parts is there or not.
struct Section {
    let id: String
    let heading: String
    /// A few words beside the heading.
    var about: String?
    var texts: [String] = []
    /// What is shown this once and can be copied.
    var secret: String?
    var form: FormView?
    var facts: Facts?
    var table: Table?
    var empty: EmptyState?
    var code: Code?
    var diff: DiffView?
    var steps: Steps?
    var links: Actions?
    var pager: Pager?
    var progress: Progress?

    /// Whether its table reaches the edges.
    var classes: String

    init(_ id: String, _ heading: String, about: String? = nil) {
        self.id = id
        self.heading = heading
        self.about = about
        classes = ""
    }

    /// Rows, or what to say where there are none.
    init(_ id: String, _ heading: String, about: String? = nil, _ table: Table, else empty: EmptyState) {
        self.init(id, heading, about: about)
        classes = " flush"
        self.about = table.rows.isEmpty ? nil : about
        if table.rows.isEmpty { self.empty = empty } else { self.table = table }
    }
}

/// Text of one width, as it is.
struct Code {
    let name: String
    let text: String
}

/// Links that look like buttons.
struct Actions {
    let items: [Action]
}

/// What comes one after the other, each done, failed or neither.
struct Steps {
    struct Step {
        let name: String
        let what: String?
        let code: String?
        /// `is-good`, `is-bad`, or empty.
        let classes: String

        init(_ name: String, _ what: String? = nil, code: String? = nil, tone: Tone = .calm) {
            self.name = name
            self.what = what
            self.code = code
            classes = tone == .good ? "is-good" : tone == .bad ? "is-bad" : ""
        }
    }

    let items: [Step]
}

/// How far something is that takes a while.
struct Progress {
    let label: String
    /// nil where it is not known.
    let value: String?
    let most: Int
}

/// How much of a list is shown, and where the rest is.
struct Pager {
    let text: String
    let items: [PageLink]
}

/// A choice between parts of what is shown.
struct Tabs {
    struct Tab {
        let name: String
        let href: String
        let isCurrent: Bool
    }

    let items: [Tab]
}

/// A page of sections.
struct SectionsView {
    var actions: Actions?
    var tabs: Tabs?
    let sections: [Section]
}

/// A page that asks before something is done that cannot be taken back.
struct ConfirmView {
    /// A sentence each.
    let consequences: [String]
    let form: FormView
}
