/// What may take no longer than a time that is given, whatever becomes of the task that asks: a deadline is also what ends
/// a program, whose tasks are cancelled by then.
package enum Deadline {
    /// Runs work, and cancels it once the time is over; returns when the work has ended.
    ///
    /// For work that heeds its cancellation: what it opened is closed by then.
    ///
    /// - Parameters:
    ///   - time: how long it may take.
    ///   - clock: what the time is of.
    ///   - work: it runs in a task of its own, which the cancellation of the caller does not reach.
    /// - Returns: what the work returned.
    package static func cancelling<Value: Sendable>(
        after time: Duration,
        clock: some Clock<Duration> = .continuous,
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value {
        let work = Task { await work() }
        let timer = Task {
            try await clock.sleep(for: time)
            work.cancel()
        }
        defer { timer.cancel() }
        return await work.value
    }

    /// Waits for work, and leaves it to itself once the time is over.
    ///
    /// For work that cannot be made to end: a thread that may hang, tokens that are lost if no task takes them.
    ///
    /// - Parameters:
    ///   - time: how long the caller waits.
    ///   - clock: what the time is of.
    ///   - work: it runs in a task of its own, which the cancellation of the caller does not reach.
    /// - Returns: what the work returned; nil if it was still going on.
    @discardableResult
    package static func leaving<Value: Sendable>(
        after time: Duration,
        clock: some Clock<Duration> = .continuous,
        _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let (values, value) = AsyncStream.makeStream(of: Value?.self, bufferingPolicy: .bufferingOldest(1))
        Task { value.yield(await work()) }
        let timer = Task {
            try await clock.sleep(for: time)
            value.yield(nil)
        }
        defer { timer.cancel() }
        // A stream ends for a task that is cancelled; this one is not reached by that.
        return await Task { await values.first { _ in true } ?? nil }.value
    }
}
