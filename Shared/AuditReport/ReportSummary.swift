internal import AuditLog
internal import Bytes
internal import StrictJSON
internal import TransparencyLog

/// The coordinator's signed statement about a report: its time, its selection, and every file with its hash.
///
/// It is the text of the note `SUMMARY.txt`; the lines of the files are those of `sha256sum`.
struct ReportSummary: Sendable, Equatable {
    /// The names of the coordinator's logs, told by the first line.
    let names: LogNames
    /// In microseconds since 1970.
    let made: Int64
    let selection: ReportSelection
    /// The number of lines of `records.jsonl`.
    let records: Int
    /// The files, sorted by the bytes of their paths.
    let files: [File]

    struct File: Sendable, Equatable {
        let path: ReportPath
        let hash: Hash
    }

    /// The largest `SUMMARY.txt` in bytes: some 30,000 agents.
    static let maxBytes = 16 << 20
    static let path = "SUMMARY.txt"

    /// The text to sign.
    var text: [UInt8] {
        var lines = ["format 1", "made \(Timestamp.text(made))"]
        lines += ["from \(Timestamp.text(selection.from))", "to \(Timestamp.text(selection.to))"]
        if let user = selection.user { lines.append("user \(user)") }
        if let server = selection.server { lines.append("server \(server)") }
        lines.append("records \(records)")
        lines += files.map { "\($0.hash.hex)  \($0.path.text)" }
        return Array(([names.report] + lines).joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
    }

    init(names: LogNames, made: Int64, selection: ReportSelection, records: Int, files: [File]) {
        self.names = names
        self.made = made
        self.selection = selection
        self.records = records
        self.files = files
    }

    /// Reads the text of a note, which must be spelled as `text` spells it.
    init(parsing text: [UInt8]) throws(ReportFailure) {
        var lines = Lines(text)
        guard let names = LogNames(report: String(decoding: lines.next(), as: UTF8.self)) else {
            throw lines.failure("the origin does not end in /report")
        }
        guard lines.next().elementsEqual("format 1".utf8) else { throw lines.failure("the format is not 1") }
        let made = try lines.time("made ")
        var selection = ReportSelection(from: try lines.time("from "), to: try lines.time("to "))
        guard selection.from <= selection.to else { throw lines.failure("the time ends before it begins") }
        selection.user = try lines.optional("user ")
        selection.server = try lines.optional("server ")
        let records = try lines.count("records ")
        var files: [File] = []
        while !lines.isAtEnd {
            files.append(try lines.file(after: files.last))
        }
        self.init(names: names, made: made, selection: selection, records: records, files: files)
        guard self.text == text else { throw lines.failure("it is not spelled as it should be") }
    }
}

extension ReportSummary {
    /// The lines of a text that ends in a line feed, with the number of the one that was read last.
    private struct Lines {
        private let lines: [ArraySlice<UInt8>]
        private var number = 0

        init(_ text: [UInt8]) {
            lines = text.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        }

        var isAtEnd: Bool { number >= lines.count }

        mutating func next() -> ArraySlice<UInt8> {
            number += 1
            return number <= lines.count ? lines[number - 1] : []
        }

        func failure(_ why: String) -> ReportFailure {
            ReportFailure("\(ReportSummary.path):\(max(number, 1))", why)
        }

        /// The rest of the next line, which must begin so.
        private mutating func rest(_ start: String) throws(ReportFailure) -> ArraySlice<UInt8> {
            let line = next()
            guard line.starts(with: start.utf8) else { throw failure("the line does not begin with `\(start)`") }
            return line.dropFirst(start.utf8.count)
        }

        mutating func time(_ start: String) throws(ReportFailure) -> Int64 {
            guard let time = Timestamp.microseconds(try rest(start)) else { throw failure("this is not a time") }
            return time
        }

        mutating func count(_ start: String) throws(ReportFailure) -> Int {
            guard let count = JSONNumber.plainInteger(try rest(start)), (0...1 << 53 - 1).contains(count) else {
                throw failure("this is not a count")
            }
            return count
        }

        mutating func optional(_ start: String) throws(ReportFailure) -> JSONText? {
            guard !isAtEnd, lines[number].starts(with: start.utf8) else { return nil }
            let text = JSONText(utf8: try rest(start))
            guard ReportSelection.isLine(text) else { throw failure("this is too short or too long") }
            return text
        }

        mutating func file(after last: File?) throws(ReportFailure) -> File {
            let line = next()
            let path = String(decoding: line.dropFirst(66), as: UTF8.self)
            guard line.count > 66, let hash = Hash(hex: line.prefix(64)), line.dropFirst(64).starts(with: "  ".utf8),
                let file = ReportPath(path)
            else { throw failure("this is not the hash of a file that a report can have") }
            if let last, !last.path.text.utf8.lexicographicallyPrecedes(path.utf8) {
                throw failure("the files are not in order")
            }
            return File(path: file, hash: hash)
        }
    }
}

extension LogNames {
    /// The names that belong to reports; nil where the text is no name of one.
    fileprivate init?(report: String) {
        let suffix = "/report"
        guard Checkpoint.isOrigin(report), report.hasSuffix(suffix), report.utf8.count > suffix.utf8.count else {
            return nil
        }
        self.init(host: String(report.dropLast(suffix.count)))
    }
}
