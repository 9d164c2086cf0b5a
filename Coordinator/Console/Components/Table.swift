/// Rows of what there is, each with what can be done about it.
struct Table {
    struct Column {
        let name: String
        let classes: String

        init(_ name: String, isNumber: Bool = false) {
            self.name = name
            classes = isNumber ? "number" : ""
        }
    }

    struct Row {
        let cells: [Cell]
        /// In a column of their own; empty for none.
        let actions: [Action]?

        init(_ cells: [Cell], actions: [Action]? = nil) {
            self.cells = cells
            self.actions = actions
        }
    }

    /// What a table is about, for those who only hear it.
    let caption: String
    let columns: [Column]
    let hasActions: Bool
    let rows: [Row]

    /// A table; the first cell of each row names it.
    init(_ caption: String, _ columns: [Column], _ rows: [Row]) {
        self.caption = caption
        self.columns = columns
        hasActions = rows.contains { $0.actions != nil }
        self.rows = rows.map { row in
            let cells = zip(columns, row.cells).enumerated().map { place, pair in
                pair.1.placed(label: pair.0.name, classes: pair.0.classes, isHeader: place == 0)
            }
            return Row(cells, actions: row.actions)
        }
    }
}

/// One value of a row, or of a list of facts.
struct Cell {
    let text: String
    /// Below it and smaller.
    let small: String?
    let href: String?
    /// Whether it stands in a coloured field of this tone.
    let badge: String?
    /// RFC 3339, where the text is a time.
    let moment: String?
    /// In letters of one width.
    let isCode: Bool
    private(set) var label = ""
    private(set) var classes = ""
    private(set) var isHeader = false

    init(
        _ text: String,
        small: String? = nil,
        href: String? = nil,
        badge: Tone? = nil,
        moment: String? = nil,
        isCode: Bool = false
    ) {
        self.text = text
        self.small = small
        self.href = href
        self.badge = badge?.rawValue
        self.moment = moment
        self.isCode = isCode
    }

    fileprivate func placed(label: String, classes: String, isHeader: Bool) -> Cell {
        var cell = self
        cell.label = label
        cell.classes = classes
        cell.isHeader = isHeader
        return cell
    }
}

/// How a state is to be taken.
enum Tone: String {
    case good, warn, bad
    /// Neither good nor bad.
    case calm = ""
}

/// Something that can be done, as a link to the page that does it or asks for it.
struct Action {
    let name: String
    let href: String
    let classes: String
    /// What it is done to, for those who hear the name alone.
    let about: String?

    init(_ name: String, _ href: String, about: String? = nil, isDanger: Bool = false, isPrimary: Bool = false) {
        self.name = name
        self.href = href
        self.about = about
        classes = (isPrimary ? " primary" : "") + (isDanger ? " danger" : "")
    }
}

/// Names with their values.
struct Facts {
    struct Fact {
        let name: String
        let cell: Cell
    }

    let facts: [Fact]

    init(_ facts: [(String, Cell)]) {
        self.facts = facts.map { Fact(name: $0.0, cell: $0.1) }
    }
}
