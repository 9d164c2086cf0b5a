internal import PolicyStore
internal import ServiceKit
internal import StrictJSON

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
    var trial: TrialView?
    var notes: Notes?

    struct Notes {
        let items: [String]
    }

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

/// What a policy would make of the calls on record.
struct TrialView {
    let calls: String
    let wouldDeny: String
    let wouldAllow: String
    let unknown: String
    var table: Table?
    var empty: EmptyState?

    private static let most = 100

    init(_ report: SimulationReport) {
        calls = Numbers.of(report.calls, "call", "calls")
        wouldDeny = Numbers.count(report.wouldDeny)
        wouldAllow = Numbers.count(report.wouldAllow)
        unknown = Numbers.count(report.unknown)
        let lines = (report.changes + report.unknowns).prefix(Self.most)
        guard !lines.isEmpty else {
            empty = EmptyState(
                message: report.calls == 0
                    ? "Nobody has called anything in the last seven days" : "Every call would end as it did",
                next: "What people have not done yet cannot be tried: the tests of the file are for that."
            )
            return
        }
        table = Table(
            "Calls that would end otherwise, or of which it cannot be told",
            [
                .init("Person"), .init("Server"), .init("Call"), .init("Was"), .init("Would be"),
                .init("Calls", isNumber: true),
            ],
            lines.map { line, count in
                let item = line.tool ?? line.prompt ?? line.resource ?? line.method
                return Table.Row([
                    Cell(line.user), Cell(VisibleText.of(line.server.string)),
                    Cell(VisibleText.of(item.string), isCode: true),
                    Self.cell(line.was), Self.cell(line.would), Cell(Numbers.count(count)),
                ])
            }
        )
    }

    private static func cell(_ verdict: SimulationReport.Verdict) -> Cell {
        switch verdict {
        case .allow: Cell("Allowed", badge: .good)
        case .deny: Cell("Denied", badge: .bad)
        case .unknown: Cell("Unknown", badge: .warn)
        }
    }
}
