internal import AuditLog
package import StrictJSON

/// How calls went, counted: those about a tool, a prompt or a resource, and whatever was refused.
package struct Tally: Sendable, Equatable {
    /// Ended with a result.
    package internal(set) var ok = 0
    /// Ended with a result that says itself that it is an error.
    package internal(set) var toolErrors = 0
    /// Ended otherwise, or could not be sent: the server was down, say.
    package internal(set) var failed = 0
    /// Called off by the client.
    package internal(set) var cancelled = 0
    /// Refused by the policy, or since a definition is not approved.
    package internal(set) var denied = 0
    /// Refused since a limit was reached.
    package internal(set) var limited = 0
    /// Refused until the user has signed in to the server.
    package internal(set) var signIns = 0
    /// Of those that ended with a result, an error of the tool or of the server.
    var latencies = LatencyHistogram()

    package init() {}

    /// All of them.
    package var calls: Int { ok + toolErrors + failed + cancelled + denied + limited + signIns }

    /// The part of those that were let through and not called off which ended with a result; nil where there were none.
    package var success: Double? {
        let ended = ok + toolErrors + failed
        return ended == 0 ? nil : Double(ok) / Double(ended)
    }

    /// How long calls took, in milliseconds: half of them, nineteen of twenty, 99 of a hundred not longer.
    package var median: Int? { latencies.percentile(0.5) }
    package var p95: Int? { latencies.percentile(0.95) }
    package var p99: Int? { latencies.percentile(0.99) }

    /// With the members of `GET /v1/measures`.
    package var json: JSONValue {
        [
            "calls": .int(calls), "ok": .int(ok), "tool_errors": .int(toolErrors), "failed": .int(failed),
            "cancelled": .int(cancelled), "denied": .int(denied), "limited": .int(limited), "sign_ins": .int(signIns),
            "success_percent": success.map { .int(Int(($0 * 100).rounded(.down))) } ?? .null,
            "p50_ms": median.map { .int($0) } ?? .null, "p95_ms": p95.map { .int($0) } ?? .null,
            "p99_ms": p99.map { .int($0) } ?? .null,
        ]
    }

    package mutating func add(_ other: Tally) {
        ok += other.ok
        toolErrors += other.toolErrors
        failed += other.failed
        cancelled += other.cancelled
        denied += other.denied
        limited += other.limited
        signIns += other.signIns
        latencies.add(other.latencies)
    }

    // MARK: Counting records

    /// Counts a record; returns whether it is one that counts.
    mutating func note(_ record: RecordHeader, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        switch record.kind {
        case .callEnd:
            guard record.isAboutItem, let outcome = record.outcome else { return false }
            switch outcome.kind {
            case .ok: ok += 1
            case .toolError: toolErrors += 1
            case .cancelled: cancelled += 1
            case .rpcError, .notSent, .upstreamError, .tooLarge, .timeout, .unknown: failed += 1
            }
            switch outcome.kind {
            case .ok, .toolError, .rpcError: latencies.add(milliseconds: outcome.milliseconds)
            case .notSent, .upstreamError, .tooLarge, .timeout, .cancelled, .unknown: break
            }
        case .callDeny:
            guard let reason = record.reason else { return false }
            reason.withText(in: bytes) { note(reason: $0) }
        default: return false
        }
        return true
    }

    private mutating func note(reason: UnsafeBufferPointer<UInt8>) {
        func isOne(of codes: [StaticString]) -> Bool {
            codes.contains { code in
                code.utf8CodeUnitCount == reason.count
                    && UnsafeBufferPointer(start: code.utf8Start, count: code.utf8CodeUnitCount).elementsEqual(reason)
            }
        }
        if isOne(of: Self.signInReasons) {
            signIns += 1
        } else if isOne(of: Self.limitReasons) {
            limited += 1
        } else if isOne(of: Self.failureReasons) {
            failed += 1
        } else {
            // Reasons of the policy, also those of agents that are newer than this coordinator.
            denied += 1
        }
    }

    private static let signInReasons: [StaticString] = ["needs_sign_in"]
    private static let limitReasons: [StaticString] = ["limited", "too_many_requests"]
    /// Nobody has refused these: they could not be served, or were no good requests.
    private static let failureReasons: [StaticString] = [
        "bad_gateway", "bad_request", "busy", "down", "foreign_server", "header_mismatch", "key_missing", "locked",
        "no_session", "no_thread",
        "not_recorded", "redirected", "refused", "session_lost", "sign_in_unavailable", "stopping", "timeout",
        "unknown_event", "unknown_method", "unknown_session", "unlisted", "unreachable", "unsupported_version",
    ]
}
