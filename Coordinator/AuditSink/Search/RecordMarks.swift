internal import AuditLog
internal import StrictJSON

/// What a stored record is found by.
struct RecordMarks: Sendable {
    /// When it was made, in microseconds since 1970, as it says itself.
    let time: Int64
    /// The alias of the server that it is about, if it is about one.
    let server: JSONText?
    /// The version of the policy that it names; nil where it names none.
    let policy: Int?

    /// Reads a record; it was checked before it was stored, so one that cannot be read means a damaged file.
    init(_ record: ArraySlice<UInt8>, _ reader: inout RecordReader) throws {
        do {
            (time, server, policy) = try record.withUnsafeBufferPointer { bytes in
                let facts = try reader.read(bytes)
                return (facts.time, facts.server.map { JSONText(utf8: $0.text(in: bytes)) }, facts.policy?.version)
            }
        } catch {
            throw AuditSinkError.damaged("a record cannot be read")
        }
    }
}
