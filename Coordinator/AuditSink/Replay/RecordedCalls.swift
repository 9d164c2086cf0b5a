internal import AuditReport
internal import Contract
package import Database
internal import Dispatch
package import StrictJSON

/// Reads the calls on record again, to say what another policy would make of them.
///
/// * Order: person by person, each machine's calls in the order of its log.
/// * Consistency: calls that come in meanwhile may be among them or not; logs only grow.
/// * Memory: one upload at a time, about 1 MiB of them at a view, and some hundred bytes for each machine.
/// * Time: `patience` at most; two readings at once. Both are refused with the reason.
package final class RecordedCalls: Sendable {
    /// Which calls.
    package struct Choice: Sendable, Equatable {
        /// From this moment on and before that one, in microseconds since 1970 as the records say it.
        package var from: Int64
        package var to: Int64
        /// Only those of the person with this pseudonym.
        package var sub: String?
        /// Only those of this server.
        package var server: JSONText?

        package init(from: Int64, to: Int64, sub: String? = nil, server: JSONText? = nil) {
            self.from = from
            self.to = to
            self.sub = sub
            self.server = server
        }
    }

    /// How long one reading may take.
    package static let usualPatience: Duration = .seconds(300)
    private static let mostAtOnce = 2
    /// Views of the database are short, so that its journal can shrink and its few readers serve others.
    private static let viewBytes = 1 << 20

    private let database: SQLDatabase
    private let patience: Duration
    private let places = ReportSlots(RecordedCalls.mostAtOnce)
    /// Not among the threads that answer requests: reading takes a processor for as long as it lasts.
    private let queue = DispatchQueue(label: "doorward.replay")

    /// The calls on record in `database`.
    package init(database: SQLDatabase, patience: Duration = RecordedCalls.usualPatience) {
        self.database = database
        self.patience = patience
    }

    /// Begins to read; throws `Refused`, `replay_busy`.
    package func begin(_ choice: Choice) throws -> Reading {
        guard let place = places.take() else { throw Refused.replayBusy }
        return Reading(calls: self, choice: choice, place: place)
    }

    /// A reading that has its place among those that may go on at once, until it is let go.
    package struct Reading: Sendable {
        fileprivate let calls: RecordedCalls
        fileprivate let choice: Choice
        fileprivate let place: ReportSlots.Place

        /// Calls `body` with each call and the pseudonym of its person, one after the other, on a thread of its own.
        ///
        /// - Throws: `Refused`, `replay_too_long`; what `body` throws; `CancellationError` once the task is cancelled.
        package func each(
            _ body: @escaping @Sendable (_ sub: String, _ call: RecordedCall) throws -> Void
        ) async throws {
            try await calls.each(choice, body)
        }
    }

    private func each(
        _ choice: Choice,
        _ body: @escaping @Sendable (_ sub: String, _ call: RecordedCall) throws -> Void
    ) async throws {
        let end = ContinuousClock.now + patience
        let selection = ReportSelection(from: choice.from, to: choice.to, server: choice.server)
        let search = RecordSearch(selection: selection, sub: choice.sub)
        let spans = try await database.read { view in try search.candidates(in: view) }
        for span in spans.sorted(by: { ($0.sub, $0.agent) < ($1.sub, $1.agent) }) {
            var next = span.records.lowerBound
            while next < span.records.upperBound {
                try Task.checkCancellation()
                guard ContinuousClock.now < end else { throw Refused.replayTooLong }
                let rest = next..<span.records.upperBound
                let batches = try await database.read { view in
                    try Self.batches(of: span.agent, holding: rest, in: view)
                }
                guard let last = batches.last else { break }
                next = last.next
                try await work {
                    var reader = RecordedCallReader()
                    for batch in batches {
                        try batch.each(in: rest) { _, record in
                            let call = try reader.read(record, of: choice.server, in: selection.contains)
                            if let call { try body(span.sub, call) }
                        }
                    }
                }
            }
        }
    }

    private static func batches(
        of agent: String,
        holding records: Range<Int>,
        in view: some SQLReading
    ) throws -> [StoredBatch] {
        var batches: [StoredBatch] = []
        var bytes = 0
        try StoredBatch.each(of: agent, holding: records, in: view) { batch in
            batches.append(batch)
            bytes += batch.records.count
            return bytes < viewBytes
        }
        return batches
    }

    private func work(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}

extension Refused {
    /// As many are reading as may at a time.
    static let replayBusy = Refused(
        "replay_busy",
        "Two others are looking at the calls on record.",
        next: "Try again in a minute.",
        members: ["retry_after": 60]
    )

    /// There are more calls on record than can be looked at.
    static let replayTooLong = Refused(
        "replay_too_long",
        "There are too many calls on record for one look at them.",
        next: "Ask for a shorter time, one user or one server."
    )
}
