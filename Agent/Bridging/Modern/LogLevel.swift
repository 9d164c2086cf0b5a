internal import StrictJSON

/// How severe a message of a server's log is, as RFC 5424 names it; the more verbose the lower.
enum LogLevel: Int, Comparable {
    case debug, info, notice, warning, error, critical, alert, emergency
    /// No message at all.
    case none

    init?(_ name: JSONText?) {
        let all: [LogLevel] = [.debug, .info, .notice, .warning, .error, .critical, .alert, .emergency]
        guard let name, let level = all.first(where: { $0.name == name.string }) else { return nil }
        self = level
    }

    var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        case .critical: "critical"
        case .alert: "alert"
        case .emergency: "emergency"
        case .none: ""
        }
    }

    static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
