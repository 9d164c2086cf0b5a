internal import AuditLog
internal import Bytes
internal import Database
internal import StrictJSON

/// What the records of one upload are found by: when they were made, and which servers they are about.
///
/// Written in the transaction that stores the upload. Whose records they are, is told by the agent's row.
struct BatchMarks: Sendable {
    /// More servers than an organisation has, mostly.
    private static let mostServers = 64
    /// Written of an upload about more servers than are listed: whatever is searched for, it is looked into.
    static let anyServer = ""

    private var earliest = Int64.max
    private var latest = Int64.min
    /// One more than are listed, at most.
    private var servers: [[UInt8]] = []
    private var lastServer = 0

    /// Notes a record of the upload.
    mutating func note(_ facts: RecordHeader, in bytes: UnsafeBufferPointer<UInt8>) {
        earliest = min(earliest, facts.time)
        latest = max(latest, facts.time)
        facts.server?.withText(in: bytes) { note(server: $0) }
    }

    private mutating func note(server: UnsafeBufferPointer<UInt8>) {
        func isServer(_ name: [UInt8]) -> Bool { name.withUnsafeBufferPointer { $0.isEqual(to: server) } }
        // Nearly always the one before.
        if servers.indices.contains(lastServer), isServer(servers[lastServer]) { return }
        if let place = servers.firstIndex(where: isServer) {
            lastServer = place
        } else if servers.count <= Self.mostServers {
            lastServer = servers.count
            servers.append(Array(server))
        }
    }

    /// Writes what the upload is found by; nothing for one without records.
    func insert(batch: Int, in transaction: SQLTransaction) throws {
        guard earliest <= latest else { return }
        try transaction.execute(
            "INSERT INTO search_time (batch, earliest, latest) VALUES (?, ?, ?)",
            [.integer(batch), .integer(Int(earliest)), .integer(Int(latest))]
        )
        // A machine that makes names up could otherwise have more written of an upload than there is in it.
        let isListed = servers.count <= Self.mostServers
        for server in isListed ? servers.map({ String(decoding: $0, as: UTF8.self) }) : [Self.anyServer] {
            // SQLite takes a name up to its first NUL, here as in the search, so two of an earlier release can be the same:
            // then more is looked into than need be, and nothing is missed.
            try transaction.execute(
                "INSERT INTO search_server (server, batch) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [.text(server), .integer(batch)]
            )
        }
    }
}

extension RecordReader {
    /// Reads a record that is stored; it was checked before it was stored, so one that cannot be read means a damaged file.
    mutating func readStored(_ record: UnsafeBufferPointer<UInt8>) throws -> RecordHeader {
        do {
            return try read(record)
        } catch {
            throw AuditSinkError.damaged("a record cannot be read")
        }
    }
}
