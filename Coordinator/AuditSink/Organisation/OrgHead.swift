internal import Database
package import TransparencyLog

/// The newest state of the organisation's log.
package struct OrgHead: Sendable, Equatable {
    /// The roots of the complete subtrees, and the number of leaves.
    package let frontier: MerkleFrontier
    /// The number of the log's last restart, and with it the name under which states are signed; 0 before any.
    package let epoch: Int
    /// The signed checkpoint.
    package let note: [UInt8]

    /// The number of leaves.
    package var size: UInt64 { frontier.size }

    /// The signed checkpoint as documents carry it.
    package var checkpoint: String { String(decoding: note, as: UTF8.self) }
}

extension MerkleFrontier {
    /// The peaks as one run of bytes, for a column.
    var packedPeaks: [UInt8] {
        peaks.flatMap(\.bytes)
    }

    /// A frontier out of its columns.
    init(size: Int, packedPeaks bytes: [UInt8]) throws {
        let peaks = stride(from: 0, to: bytes.count, by: Hash.length).compactMap {
            Hash(bytes[$0...].prefix(Hash.length))
        }
        guard size >= 0, let frontier = MerkleFrontier(size: UInt64(size), peaks: peaks) else {
            throw AuditSinkError.damaged("the peaks of a tree of \(size) leaves")
        }
        self = frontier
    }
}
