internal import AuditLog
internal import Errors
internal import Policy
internal import ServiceKit
internal import Spool
internal import StrictJSON

/// Records what becomes of calls, in the spool that is in force, and counts what leaves no record; belongs to the event
/// loop.
final class CallRecorder {
    private let metrics: MetricsRegistry
    private(set) var spool: Spool?
    private var decisions = DecisionEncoder(.none)
    private(set) var counts = TrafficCounts()
    private var rejections: [Int: Counter] = [:]

    init(_ metrics: MetricsRegistry) {
        self.metrics = metrics
    }

    /// Takes another spool and another policy.
    func replace(spool: Spool?, policy: PolicySnapshot) {
        self.spool = spool
        decisions = DecisionEncoder(policy)
    }

    // MARK: Beginnings and refusals

    /// Records that a request goes out.
    ///
    /// - Returns: The spool that has the record; nil where it cannot be recorded, and so must not go.
    func begin(_ call: CallAttributes, _ decision: Decision, credential: JSONText?) -> Spool? {
        guard let spool else { return nil }
        do {
            try spool.record(.callBegin(call, decisions.allowed(decision), credential: credential))
            counts.calls += 1
            return spool
        } catch {
            return nil
        }
    }

    /// Lays out the record that a request goes out.
    ///
    /// - Returns: The spool, whose next write has the record in it, and the number that it has there; nil where it cannot be
    ///   recorded, and so must not go.
    func layOutBegin(
        _ call: CallAttributes,
        _ decision: Decision,
        credential: JSONText?
    ) -> (spool: Spool, number: UInt64)? {
        guard let spool else { return nil }
        do {
            let number = try spool.layOut(.callBegin(call, decisions.allowed(decision), credential: credential))
            counts.calls += 1
            return (spool, number)
        } catch {
            return nil
        }
    }

    /// What became of the record of a refusal.
    enum DenialRecord {
        case made
        /// Nothing was done, so nothing is hidden; the answer goes out without a record to point at.
        case missing
        /// Refusals have used all the room that they may.
        case noRoom
    }

    /// Records a refusal.
    func deny(_ call: CallAttributes, _ refusal: Refusal) -> DenialRecord {
        guard let spool else { return .missing }
        do {
            try spool.record(.callDeny(call, decisions.refused(refusal)))
            return .made
        } catch {
            return error.kind == .denialsFull ? .noRoom : .missing
        }
    }

    // MARK: Ends

    /// Records how something ended, with the next record or in a moment.
    ///
    /// - Parameters:
    ///   - call: What ended.
    ///   - outcome: How.
    ///   - spool: Where its beginning is recorded: the log of another membership knows nothing of it.
    func end(_ call: CallAttributes, _ outcome: Outcome, in spool: Spool?) {
        spool?.recordSoon(.callEnd(call, outcome))
    }

    /// Records the end of a request whose stream had ended before its answer.
    func endParked(_ call: ParkedCall, _ kind: Outcome.Kind, bytesOut: Int, now: Int64) {
        let milliseconds = Self.milliseconds(call.began, now)
        let outcome = Outcome(kind, milliseconds: milliseconds, bytesIn: call.bytesIn, bytesOut: bytesOut)
        end(call.facts, outcome, in: call.spool)
        call.server.metrics.count(outcome)
        call.server.metrics.latency.observe(seconds: Double(now - call.began) / 1e9)
    }

    /// Records the end of a request of a server.
    func endPending(_ request: Session.Pending, _ kind: Outcome.Kind, bytesOut: Int, now: Int64) {
        guard let facts = request.facts else { return }
        let milliseconds = Self.milliseconds(request.began, now)
        end(
            facts,
            Outcome(kind, milliseconds: milliseconds, bytesIn: request.bytes, bytesOut: bytesOut),
            in: request.spool
        )
    }

    /// The time between two, which are in nanoseconds.
    static func milliseconds(_ began: Int64, _ now: Int64) -> Int { Int(max(0, now - began) / 1_000_000) }

    // MARK: Numbers

    /// Counts a request that was refused by its status: where no client is known, this is all that is known of it.
    func countRejection(_ status: Int) {
        let counter =
            rejections[status]
            ?? metrics.counter(
                "doorward_rejected_requests_total",
                help: "Requests that were refused by a status of HTTP, without a record.",
                labels: [("status", String(status))]
            )
        rejections[status] = counter
        counter.add()
    }

    func countNotification(_ server: ServedServer) {
        counts.notifications += 1
        server.metrics.notifications.add()
    }

    func countPing(_ server: ServedServer) {
        counts.pings += 1
        server.metrics.notifications.add()
    }
}
