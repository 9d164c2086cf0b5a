/// A chart of one value or several over time, laid out for its template.
///
/// Each step is ten units wide, and the largest value is at a hundred units above the axis.
struct Chart {
    struct Segment {
        let kind: String
        let x: String
        let y: String
        let height: String
    }

    struct Bar {
        let band: String
        let tip: String
        let segments: [Segment]
    }

    struct Line {
        let kind: String
        let path: String
    }

    struct Key {
        let kind: String
        let name: String
    }

    /// What a reader who does not see the drawing hears.
    let label: String
    let width: Int
    /// From the top down.
    let scale: [String]
    let times: [String]
    let bars: [Bar]
    let lines: [Line]
    let keys: [Key]

    /// Values that are stacked: for each step those of the keys, from the axis up.
    static func stacked(
        _ values: [[Int]],
        keys: [Key],
        label: String,
        tips: [String],
        times: [String]
    ) -> Chart {
        let top = Scale.top(values.map { $0.reduce(0, +) }.max() ?? 0)
        let bars = values.enumerated().map { step, parts in
            var below = 0.0
            let segments = zip(keys, parts).compactMap { key, value -> Segment? in
                guard value > 0 else { return nil }
                let height = Double(value) / Double(top) * 100
                below += height
                return Segment(
                    kind: key.kind,
                    x: text(Double(step) * 10 + 1.5),
                    y: text(100 - below),
                    height: text(height)
                )
            }
            return Bar(band: "\(step * 10)", tip: tips[step], segments: segments)
        }
        return Chart(
            label: label,
            width: values.count * 10,
            scale: [Numbers.count(top), Numbers.count(top / 2), "0"],
            times: times,
            bars: bars,
            lines: [],
            keys: keys
        )
    }

    /// Lines, each of a value or none for each step.
    static func lines(
        _ series: [[Int?]],
        keys: [Key],
        label: String,
        tips: [String],
        times: [String],
        unit: (Int) -> String
    ) -> Chart {
        let top = Scale.top(series.joined().compactMap { $0 }.max() ?? 0)
        return Chart(
            label: label,
            width: tips.count * 10,
            scale: [unit(top), unit(top / 2), "0"],
            times: times,
            bars: tips.enumerated().map { Bar(band: "\($0 * 10)", tip: $1, segments: []) },
            lines: zip(keys, series).map { Line(kind: $0.kind, path: path($1, top: top)) },
            keys: keys
        )
    }

    private static func path(_ values: [Int?], top: Int) -> String {
        var path = ""
        var isDown = false
        for (step, value) in values.enumerated() {
            guard let value else {
                isDown = false
                continue
            }
            let (x, y) = (text(Double(step) * 10 + 5), text(100 - Double(value) / Double(top) * 100))
            // A value between two gaps is a point, which a line of no length draws with its round ends.
            path += isDown ? "L\(x) \(y)" : "M\(x) \(y)h0"
            isDown = true
        }
        return path
    }

    /// With one digit behind the point.
    private static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

/// The upper end of an axis.
enum Scale {
    /// The least round and even number that is not below the value, so that half of it is a whole number too.
    static func top(_ value: Int) -> Int {
        var unit = 1
        while true {
            for step in [2, 3, 4, 5, 6, 8, 10] where step * unit >= value && (step * unit).isMultiple(of: 2) {
                return step * unit
            }
            unit *= 10
        }
    }
}
