internal import AuditLog
package import StrictJSON

/// Which records a report was asked for.
///
/// Of each agent it holds those from the first to the last that falls into the time, counted among the records that are
/// selected, whatever the clock did in between.
package struct ReportSelection: Sendable, Equatable {
    /// The first moment, in microseconds since 1970.
    package var from: Int64
    /// The first moment that is too late, in microseconds since 1970.
    package var to: Int64
    /// Only of the agents of the person with this e-mail address.
    package var user: JSONText?
    /// Only what is about this server, by its alias.
    package var server: JSONText?

    package init(from: Int64, to: Int64, user: JSONText? = nil, server: JSONText? = nil) {
        self.from = from
        self.to = to
        self.user = user
        self.server = server
    }

    /// Whether a record that says this time falls into the time asked for.
    package func contains(_ time: Int64) -> Bool {
        from <= time && time < to
    }

    /// Whether not all records were asked for.
    var isPartial: Bool { user != nil || server != nil }

    /// Whether a line of a note can contain a user or server: 1 to 256 bytes without control characters.
    static func isLine(_ text: JSONText) -> Bool {
        (1...RecordName.maxBytes).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
