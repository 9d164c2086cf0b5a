internal import Errors
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// What the spool knows beside its records: how far the coordinator has countersigned, and the right edge of the tree
/// there, with which the next checkpoint is computed without the records before it.
struct SpoolState: Sendable, Equatable {
    static let name = "state.json"

    var countersigned: MerkleFrontier
    /// Whether the log is just being continued in a file of its own behind a larger countersigned one.
    var isContinuing = false

    /// The state in the folder; nil if it has none.
    static func load(_ folder: SpoolFolder) throws(SpoolError) -> SpoolState? {
        guard let bytes = try SealedFile.read(name, in: folder, maxBytes: 64 << 10) else { return nil }
        do {
            return try ObjectReader.read(try JSONValue(canonical: bytes)) { reader in
                let size = try reader.int("size")
                let peaks = try reader.texts("peaks").compactMap(Hash.init(base64URL:))
                let isContinuing = try reader.bool("continuing")
                guard let frontier = MerkleFrontier(size: UInt64(size), peaks: peaks) else {
                    throw ShapeError("peaks", "does not fit the size")
                }
                return SpoolState(countersigned: frontier, isContinuing: isContinuing)
            }
        } catch {
            throw SpoolError(.damaged, "\(folder.path(name)) is damaged: \(error)", next: SpoolRecovery.next)
        }
    }

    /// Writes the state; it is durable on return.
    func save(_ folder: SpoolFolder) throws(SpoolError) {
        let json: JSONValue = [
            "size": .int(Int(countersigned.size)), "continuing": .bool(isContinuing),
            "peaks": .array(countersigned.peaks.map { .text($0.base64URL) }),
        ]
        do {
            try SealedFile.write(try json.canonicalBytes(), Self.name, in: folder)
        } catch let error as SpoolError {
            throw error
        } catch {
            preconditionFailure("numbers and hashes are canonical: \(error)")
        }
    }
}
