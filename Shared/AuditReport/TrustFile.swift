internal import AuditLog
internal import TransparencyLog

/// `policy.tlog`: the log that all proofs lead to and its key, so that other tools for such logs can check them too
/// (c2sp.org/tlog-policy).
///
/// It says which key to check with, never that the key is to be trusted: that is told from outside.
struct TrustFile: Sendable, Equatable {
    /// The origin of the organisation's log, in the epoch of the report.
    let origin: String
    let key: VerifyingKey

    var bytes: [UInt8] {
        Array("log \(key.vkey(name: origin))\nquorum none\n".utf8)
    }

    init(origin: String, key: VerifyingKey) {
        self.origin = origin
        self.key = key
    }

    /// Reads the file of a coordinator's log, in any epoch; nil for anything but its one spelling.
    init?(parsing bytes: [UInt8], names: LogNames) {
        let words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        guard words.count == 4, let parsed = VerifyingKey.parse(vkey: words[1]),
            names.epoch(origin: parsed.name) != nil
        else { return nil }
        self.init(origin: parsed.name, key: parsed.key)
        guard self.bytes == bytes else { return nil }
    }
}
