package import StrictJSON

/// What is wrong with a report, and where.
package struct ReportFailure: Error, Sendable, Equatable {
    /// A path from the report's folder, with `:LINE` where one line is to blame.
    package let place: String
    /// What is wrong there, as a message that is safe to show.
    package let why: String

    /// A failure; names that a stranger chose are shown without what a terminal would act on.
    init(_ place: String, _ why: String) {
        self.place = String(
            String.UnicodeScalarView(
                place.unicodeScalars.prefix(300).map { (0x20...0x7E).contains($0.value) ? $0 : "?" }
            )
        )
        self.why = why
    }

    init(_ path: ReportPath, _ why: String) {
        self.init(path.text, why)
    }
}

/// What the verification of a report found.
package struct ReportVerdict: Sendable, Equatable {
    /// The number of records that hold; 0 after a failure.
    package let records: Int
    /// What holds, a sentence each; empty after a failure.
    package let proven: [String]
    /// What the report does not show.
    package let notProven: [String]
    /// What is wrong; nil if nothing is.
    package let failure: ReportFailure?
    /// Whether the user named the key that it should be.
    package let isRooted: Bool

    /// Whether everything holds and it is known whose report it is.
    package var isOK: Bool { failure == nil && isRooted }

    /// The members that `doorward verify --json` prints.
    package var json: JSONValue {
        var object: JSONObject = [
            "ok": .bool(isOK), "records": .int(records), "proven": .array(proven.map { .text($0) }),
            "not_proven": .array(notProven.map { .text($0) }),
        ]
        object["failure"] = failure.map { ["where": .text($0.place), "why": .text($0.why)] } ?? .null
        return .object(object)
    }
}
