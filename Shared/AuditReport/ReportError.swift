package import Errors

/// Why there is no report.
package typealias ReportError = KindError<ReportFault>

/// What kind of thing was wrong.
package enum ReportFault: String, ErrorKind {
    /// A folder that cannot be read.
    case folder = "bad_report"
    /// A report that cannot be put together from what was given.
    case content = "report_not_made"
}
