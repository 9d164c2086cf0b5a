internal import AuditLog
internal import StrictJSON

/// Which records are looked for; what is nil may be anything.
package struct RecordFilter: Sendable, Equatable {
    /// What a record says of how something went.
    package enum Result: String, CaseIterable, Sendable {
        /// Calls that ended with a result.
        case ok
        /// Calls that ended otherwise, or could not be sent.
        case failed
        /// Calls that the policy, a limit or a missing approval kept back.
        case denied
        /// Calls that wait for a sign-in.
        case signIn = "sign_in"
        /// Credentials: grants, refreshes, failures, revocations.
        case credentials
        /// What machines record of themselves: starts, stops, policies, clocks.
        case machine
        /// Calls that have begun.
        case begun
        /// Lists and other requests that are about no tool, prompt or resource, once they have ended.
        case request

        /// What people have done, and what came of it.
        package static let usual: Set<Result> = [.ok, .failed, .denied, .signIn, .credentials]
    }

    /// What can be asked for: one of the results, or all of them.
    package enum Wanted: String, CaseIterable, Sendable {
        case ok, failed, denied, credentials, machine, begun, request, all
        case signIn = "sign_in"

        package var results: Set<Result> { Result(rawValue: rawValue).map { [$0] } ?? Set(Result.allCases) }
    }

    /// In microseconds since 1970, from the first moment to before the last.
    package var from = Int64.min
    package var to = Int64.max
    /// The person's pseudonym or e-mail address.
    package var user: String?
    package var agent: String?
    package var server: String?
    /// The client's name.
    package var client: String?
    /// The tool, or the prompt, by its name.
    package var item: String?
    /// The audit id of a call, or a trace id.
    package var call: String?
    package var results = Result.usual

    /// Any record.
    package init() {}

    /// Whether what the reader has found out already fits; the rest is in the record's members.
    func admits(_ record: RecordHeader, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard from <= record.time, record.time < to else { return false }
        if let server {
            guard record.server?.withText(in: bytes, { server.utf8.elementsEqual($0) }) ?? false else { return false }
        }
        return results.contains(Result(of: record, in: bytes))
    }
}

extension RecordFilter.Result {
    /// What a record says.
    init(of record: RecordHeader, in bytes: UnsafeBufferPointer<UInt8>) {
        switch record.kind {
        case .callBegin: self = .begun
        case .callEnd where !record.isAboutItem: self = .request
        case .callEnd: self = record.outcome?.kind == .ok ? .ok : .failed
        case .callDeny:
            var tally = Tally()
            _ = tally.note(record, in: bytes)
            self = tally.signIns > 0 ? .signIn : tally.failed > 0 ? .failed : .denied
        case .credentialGrant, .credentialRefresh, .credentialFail, .credentialRevoke: self = .credentials
        case .agentStart, .agentStop, .agentHeartbeat, .agentRollback, .clockStep, .policyApply, .spoolPressure:
            self = .machine
        }
    }
}
