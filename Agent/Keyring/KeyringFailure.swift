internal import CLibSecret

/// Why something did not work, with the keyring's own message.
struct KeyringFailure: Error, Sendable {
    /// The consequence of a failure for the next step.
    enum Kind: Sendable {
        case locked
        /// The keyring is open, and wants to ask its user first.
        case guarded
        /// No answer came in the time of one call.
        case silent
        /// What was asked for by its path is gone: a session, or an item.
        case lost
        case other
    }

    /// Safe to show.
    let words: String
    let kind: Kind

    init(_ words: String, _ kind: Kind = .other) {
        self.words = words
        self.kind = kind
    }

    /// Takes an error that a call left behind; nil where it left none.
    init?(_ error: UnsafeMutablePointer<GError>?) {
        guard let error else { return nil }
        defer { g_error_free(error) }
        if dw_is_locked_error(error) != 0 {
            self.init("it is locked", .locked)
        } else if dw_is_cancelled(error) != 0 || dw_is_timeout(error) != 0 {
            self.init(Self.silence, .silent)
        } else {
            let kind: Kind = dw_is_lost_error(error) != 0 ? .lost : .other
            g_dbus_error_strip_remote_error(error)
            self.init(Self.plain(error.pointee.message.map { String(cString: $0) } ?? "it gives no reason"), kind)
        }
    }

    /// What is said of a keyring that lets its callers wait.
    static let silence = "it does not answer"

    /// Text of another program, in one line.
    private static func plain(_ text: String) -> String {
        let bytes = text.utf8.prefix(200).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }
        return String(decoding: bytes, as: UTF8.self)
    }
}
