import ArgumentParser

/// How long something lasts, as it is typed: `30d`, `24h`, `15min`, `90s`.
struct DurationArgument: ExpressibleByArgument {
    let seconds: Int

    init(seconds: Int) {
        self.seconds = seconds
    }

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let units = ["s": 1, "min": 60, "h": 3600, "d": 86_400]
        // Ten years: more is a mistake in typing.
        guard let count = Int(digits), count > 0, let unit = units[String(argument.dropFirst(digits.count))],
            count <= 315_360_000 / unit
        else { return nil }
        seconds = count * unit
    }

    var defaultValueDescription: String {
        seconds.isMultiple(of: 86_400) && seconds > 86_400 ? "\(seconds / 86_400)d" : "\(seconds / 3600)h"
    }
}
