internal import AuditLog
internal import Bytes
internal import Database
internal import StrictJSON

/// What the records of one upload add to the counts of each hour and server, and of each person's day.
///
/// Counted while an upload is checked, beside the one writer's turn; written in the transaction that stores the upload.
struct UploadTallies: Sendable {
    /// More hours and servers than one upload is about, mostly: what comes beyond is counted as of no server.
    private static let mostCells = 64
    /// Times that a machine's clock has no right to: they would be rows for ever, and are not counted.
    private static let earliest = -400 * 86_400
    private static let latest = 3600

    private struct Cell: Sendable {
        let hour: Int
        let server: [UInt8]
        var tally = Tally()
    }

    private var cells: [Cell] = []
    private var last = 0

    /// Counts a record of the upload.
    mutating func note(_ record: RecordHeader, in bytes: UnsafeBufferPointer<UInt8>) {
        guard record.kind == .callEnd || record.kind == .callDeny else { return }
        var tally = Tally()
        let hour = Int(record.time / 3_600_000_000)
        if let server = record.server {
            server.withText(in: bytes) { last = place(hour: hour, server: $0) }
        } else {
            last = place(hour: hour, server: UnsafeBufferPointer(start: nil, count: 0))
        }
        if last < cells.count {
            _ = cells[last].tally.note(record, in: bytes)
        } else if tally.note(record, in: bytes) {
            cells.append(Cell(hour: hour, server: [], tally: tally))
        }
    }

    /// Where the counts of this hour and server are; nearly always where the last one was.
    private mutating func place(hour: Int, server: UnsafeBufferPointer<UInt8>) -> Int {
        // A name that is hashed is not of a server that there is.
        let server = server.starts(with: "sha256:".utf8) ? UnsafeBufferPointer(start: nil, count: 0) : server
        func isPlace(_ cell: Cell, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
            cell.hour == hour && cell.server.count == name.count && cell.server.elementsEqual(name)
        }
        if last < cells.count, isPlace(cells[last], server) { return last }
        if let found = cells.firstIndex(where: { isPlace($0, server) }) { return found }
        guard cells.count < Self.mostCells else {
            // One cell more at most: whatever hour it is of, none is refused a count.
            return cells.firstIndex { $0.server.isEmpty } ?? cells.count
        }
        cells.append(Cell(hour: hour, server: Array(server)))
        return cells.count - 1
    }

    /// Adds the counts to those that are stored.
    ///
    /// - Parameters:
    ///   - sub: whose records they are.
    ///   - now: seconds since 1970.
    ///   - transaction: the one that stores the upload.
    /// - Throws: what the database throws.
    func add(of sub: String, now: Int, in transaction: SQLTransaction) throws {
        var days: [Int: Tally] = [:]
        for cell in cells where cell.tally != Tally() {
            guard (Self.earliest...Self.latest).contains(cell.hour * 3600 - now) else { continue }
            let server = String(decoding: cell.server, as: UTF8.self)
            try StoredTally.add(cell.tally, to: .server(server, hour: cell.hour), in: transaction)
            days[cell.hour / 24, default: Tally()].add(cell.tally)
        }
        for (day, tally) in days {
            try StoredTally.add(tally, to: .person(sub, day: day), in: transaction)
        }
    }
}
