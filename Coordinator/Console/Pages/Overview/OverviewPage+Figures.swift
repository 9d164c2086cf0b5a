internal import AuditSink

/// Figures as the page shows them.
extension OverviewPage {
    static func name(_ span: MeasureSpan) -> String {
        switch span {
        case .day: "24 hours"
        case .week: "7 days"
        case .month: "30 days"
        }
    }

    static func tiles(_ total: Tally) -> [OverviewView.Tile] {
        let failed = total.failed + total.toolErrors
        func time(_ milliseconds: Int?) -> String { milliseconds.map { Numbers.milliseconds($0) } ?? "\u{2013}" }
        return [
            .init(
                name: "Calls",
                value: Numbers.count(total.calls),
                more: total.cancelled > 0 ? "\(Numbers.count(total.cancelled)) called off" : nil
            ),
            .init(
                name: "Success",
                value: total.success.map { Numbers.percent($0) } ?? "\u{2013}",
                unit: total.success == nil ? nil : "%",
                more: "\(Numbers.count(failed)) failed"
            ),
            .init(
                name: "Time of a call",
                value: time(total.median),
                more: "p95 \(time(total.p95)), p99 \(time(total.p99))"
            ),
            .init(
                name: "Denied",
                value: Numbers.count(total.denied + total.limited),
                more: total.limited > 0 ? "\(Numbers.count(total.limited)) over a limit" : nil
            ),
            .init(name: "Sign-ins needed", value: Numbers.count(total.signIns)),
        ]
    }

    // MARK: Over time

    private static func failed(_ tally: Tally) -> Int { tally.failed + tally.toolErrors + tally.signIns }
    private static func denied(_ tally: Tally) -> Int { tally.denied + tally.limited }

    /// When a step begins, as the axis and the table say it.
    private static func start(_ report: MeasureReport, _ step: Int) -> String {
        let seconds = report.start(step)
        switch report.span {
        case .day: return Moment.hour(seconds)
        case .week: return "\(Moment.day(seconds)) \(Moment.hour(seconds))"
        case .month: return Moment.day(seconds)
        }
    }

    private static func times(_ report: MeasureReport) -> [String] {
        let count = report.steps.count
        return [0, count / 4, count / 2, count * 3 / 4, count - 1].map { step in
            report.span == .day ? Moment.hour(report.start(step)) : Moment.day(report.start(step))
        }
    }

    private static func tips(_ report: MeasureReport) -> [String] {
        report.steps.enumerated().map { step, tally in
            var words = "\(start(report, step)): \(Numbers.count(tally.ok)) succeeded, "
            words += "\(Numbers.count(failed(tally))) failed, \(Numbers.count(denied(tally))) denied"
            if let median = tally.median, let p95 = tally.p95 {
                words += ", p50 \(Numbers.milliseconds(median)), p95 \(Numbers.milliseconds(p95))"
            }
            return words
        }
    }

    static func calls(_ report: MeasureReport) -> Chart {
        let total = report.total
        return .stacked(
            report.steps.map { [$0.ok, failed($0), denied($0)] },
            keys: [
                Chart.Key(kind: "ok", name: "Succeeded"), Chart.Key(kind: "failed", name: "Failed, or sign-in needed"),
                Chart.Key(kind: "denied", name: "Denied or limited"),
            ],
            label:
                "Bars of calls over the last \(name(report.span)): \(Numbers.count(total.calls)) in all. The numbers are in the table below.",
            tips: tips(report),
            times: times(report)
        )
    }

    static func latency(_ report: MeasureReport) -> Chart? {
        guard report.total.median != nil else { return nil }
        return .lines(
            [report.steps.map(\.median), report.steps.map(\.p95)],
            keys: [
                Chart.Key(kind: "ok", name: "Half of the calls take no longer (p50)"),
                Chart.Key(kind: "failed", name: "19 of 20 take no longer (p95)"),
            ],
            label:
                "Lines of how long calls took over the last \(name(report.span)). The numbers are in the table above.",
            tips: tips(report),
            times: times(report),
            unit: Numbers.milliseconds
        )
    }

    static func numbers(_ report: MeasureReport) -> OverviewView.NumberRows {
        OverviewView.NumberRows(
            rows: report.steps.enumerated().map { step, tally in
                OverviewView.NumberRow(
                    from: start(report, step),
                    ok: Numbers.count(tally.ok),
                    failed: Numbers.count(failed(tally)),
                    denied: Numbers.count(denied(tally)),
                    p50: tally.median.map { Numbers.milliseconds($0) } ?? "",
                    p95: tally.p95.map { Numbers.milliseconds($0) } ?? ""
                )
            }
        )
    }

    // MARK: By name

    static func table(_ of: String, _ all: [MeasureReport.Named], href: (String) -> String?) -> MeasureTable? {
        guard !all.isEmpty else { return nil }
        return MeasureTable(
            of: of,
            rows: all.prefix(25).map { each in
                let tally = each.tally
                return MeasureTable.Row(
                    name: each.name.isEmpty ? "No server that is known" : each.name,
                    href: href(each.name),
                    calls: Numbers.count(tally.calls),
                    split: MeasureTable.Split(ok: tally.ok, failed: failed(tally), denied: denied(tally)),
                    success: tally.success.map { "\(Numbers.percent($0)) %" } ?? "\u{2013}",
                    p50: tally.median.map { Numbers.milliseconds($0) } ?? "\u{2013}",
                    p95: tally.p95.map { Numbers.milliseconds($0) } ?? "\u{2013}",
                    denied: Numbers.count(denied(tally)),
                    signIns: Numbers.count(tally.signIns)
                )
            }
        )
    }
}
