extension LimitRule {
    /// What the limit allows, as people say it: "At most 60 calls a minute, and 4 at a time".
    package var words: String {
        let speed = rate.map { "\(Self.calls($0.count)) \($0.period.words)" }
        let width = concurrent.map { speed == nil ? "\(Self.calls($0)) at a time" : "\($0) at a time" }
        let whose = per == .client ? " of this client" : ""
        return "At most " + [speed, width].compactMap { $0 }.joined(separator: ", and ") + whose
    }

    private static func calls(_ count: Int) -> String { count == 1 ? "1 call" : "\(count) calls" }
}

extension Rate.Period {
    fileprivate var words: String {
        switch self {
        case .second: "a second"
        case .minute: "a minute"
        case .hour: "an hour"
        }
    }
}
