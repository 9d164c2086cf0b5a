internal import MCP
internal import StrictJSON
internal import Wire

/// What the answer to a first request says of a server's era.
///
/// A verdict never hangs on one code: servers of the handshake era answer `server/discover` with 400 in plain text, with 400
/// and the id of a session that does not exist, with 404, 405, 406, 415, and with errors of many codes. What says nothing of
/// eras (401, 403, 429, 5xx, no answer at all) is no evidence.
package enum EraEvidence: Equatable, Sendable {
    /// The server speaks the era that it was asked in.
    case spoken
    /// It does not, as far as its answer goes: the other era is to be tried.
    case notSpoken
    /// The answer says nothing of eras.
    case none

    /// Judges an answer to `server/discover`.
    ///
    /// - Parameters:
    ///   - status: the status over HTTP; 200 where there is none.
    ///   - message: the JSON-RPC message that it is, if it is one.
    package init(discover status: Int, _ message: PeerMessage?) {
        if let judged = Self.judged(status) {
            self = judged
            return
        }
        guard let message else {
            self = (200...299).contains(status) ? .none : .notSpoken
            return
        }
        if message.kind == .response {
            let result = message.answer.flatMap { RawObject($0) }
            self = result.map(Openings.isDiscovery) ?? false ? .spoken : .notSpoken
            return
        }
        switch message.errorCode {
        case JSONRPCErrorCode.headerMismatch.rawValue, JSONRPCErrorCode.missingCapability.rawValue: self = .spoken
        case JSONRPCErrorCode.unsupportedVersion.rawValue:
            // It knows the question; whether it has an answer for this revision it says itself.
            let data = message.answer.flatMap { RawObject($0) }?.object("data")
            let supported = (data?.value("supported")?.array ?? []).compactMap(\.text)
            self = supported.contains { !Revisions.handshake.contains($0) } ? .spoken : .notSpoken
        default: self = .notSpoken
        }
    }

    /// Judges an answer to `initialize`.
    package init(initialize status: Int, _ message: PeerMessage?) {
        if let judged = Self.judged(status) {
            self = judged
        } else if let message {
            self = message.kind == .response ? .spoken : .notSpoken
        } else {
            self = (200...299).contains(status) ? .none : .notSpoken
        }
    }

    private static func judged(_ status: Int) -> EraEvidence? {
        switch status {
        case 200...299, 400, 404, 405, 406, 415: nil
        default: EraEvidence.none
        }
    }
}
