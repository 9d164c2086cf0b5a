internal import AuditSink
internal import Database
internal import Errors
internal import ServiceKit

/// A number of bytes on the command line: `512M`, `20G`.
enum ByteSize {
    private static let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]

    /// Reads an option; throws `usage` for what is not a size or out of its range.
    static func read(_ text: String?, option: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard let number = Int(digits), number < 1 << 20, unit.count == 1,
            let shift = unit.first.flatMap({ units[$0] }), range.contains(number << shift)
        else {
            throw CoordinatorError(
                .usage,
                "\(option) needs a size from \(range.lowerBound >> 20)M to \(range.upperBound >> 40)T.",
                next: "Give \(option) a number with K, M, G or T behind it, such as 512M."
            )
        }
        return number << shift
    }
}
