/// What the page of figures shows.
struct OverviewView {
    struct Span {
        let name: String
        let href: String
        let isCurrent: Bool
    }

    struct Tile {
        let name: String
        let value: String
        var unit: String?
        var more: String?
    }

    struct Attention {
        let items: [AttentionItem]
    }

    struct AttentionItem {
        let tone: String
        let kind: String
        let message: String
        let href: String
    }

    struct Start {
        let steps: [StartStep]
    }

    struct StartStep {
        let name: String
        let what: String
        let isDone: Bool
        var link: PageLink?
    }

    struct NumberRows {
        let rows: [NumberRow]
    }

    struct NumberRow {
        let from, ok, failed, denied, p50, p95: String
    }

    let spans: [Span]
    /// In words: `the last 24 hours`.
    let period: String
    var attention: Attention?
    var start: Start?
    var quiet: EmptyState?
    let tiles: [Tile]
    var calls: Chart?
    var numbers: NumberRows?
    var latency: Chart?
    var servers: MeasureTable?
    var people: MeasureTable?
}

/// How calls went, by whatever they are told apart by.
struct MeasureTable {
    struct Part {
        let kind: String
        let x: String
        let width: String
    }

    struct Split {
        let label: String
        let parts: [Part]

        /// A bar whose parts are as long as these counts.
        init(ok: Int, failed: Int, denied: Int) {
            let all = max(ok + failed + denied, 1)
            var start = 0
            var parts: [Part] = []
            for (kind, count) in [("ok", ok), ("failed", failed), ("denied", denied)] where count > 0 {
                let width = count * 1000 / all
                parts.append(Part(kind: kind, x: Self.text(start), width: Self.text(width)))
                start += width
            }
            self.parts = parts
            label = "\(Numbers.count(ok)) succeeded, \(Numbers.count(failed)) failed, \(Numbers.count(denied)) denied"
        }

        private static func text(_ tenths: Int) -> String { "\(tenths / 10).\(tenths % 10)" }
    }

    struct Row {
        let name: String
        let href: String?
        let calls: String
        let split: Split
        let success, p50, p95, denied, signIns: String
    }

    /// What the rows are, as the first column is headed.
    let of: String
    let rows: [Row]
}
