internal import AuditLog

/// A body of `POST /v1/agent-log` as it came in: where its parts are, without a copy of any record.
package struct ReceivedUpload: Sendable {
    /// How many records the coordinator is thought to have.
    package let old: Int
    /// The agent's signed checkpoint of all of its records.
    package let note: [UInt8]
    /// Where in the body the records are, each with its line feed.
    package let records: Range<Int>
    /// The number of the records.
    package let count: Int

    /// Reads a body; nil if it has another form.
    ///
    /// The records are not judged, and they are counted only once the note is: their number is whatever the sender likes.
    ///
    /// - Parameters:
    ///   - bytes: The body.
    ///   - judge: Throws unless `old` and the note are good.
    package init?(_ bytes: [UInt8], judge: (Int, [UInt8]) throws -> Void) rethrows {
        guard bytes.count <= LogUpload.largest, bytes.starts(with: "old ".utf8),
            let headEnd = Self.emptyLine(in: bytes, from: 0)
        else { return nil }
        let digits = bytes[4..<(headEnd - 2)]
        // 15 digits stay below 2^53, as every number of the format does.
        guard (1...15).contains(digits.count), let old = Int(String(decoding: digits, as: UTF8.self)), old >= 0,
            Array(String(old).utf8) == Array(digits)
        else { return nil }
        // The note itself has one empty line, between its text and its signatures.
        guard let textEnd = Self.emptyLine(in: bytes, from: headEnd),
            let noteEnd = Self.emptyLine(in: bytes, from: textEnd)
        else { return nil }
        let note = Array(bytes[headEnd..<(noteEnd - 1)])
        try judge(old, note)
        let count = bytes.withUnsafeBufferPointer {
            RecordLines.count(UnsafeBufferPointer(rebasing: $0[noteEnd...]))
        }
        guard let count, count <= LogUpload.most else { return nil }
        self.old = old
        self.note = note
        self.count = count
        records = noteEnd..<bytes.count
    }

    /// The offset behind the next two line feeds in a row.
    private static func emptyLine(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while let found = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) {
            guard found + 1 < bytes.count else { return nil }
            if bytes[found + 1] == UInt8(ascii: "\n") { return found + 2 }
            index = found + 1
        }
        return nil
    }
}
