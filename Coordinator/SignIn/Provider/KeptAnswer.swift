internal import ServiceKit

/// An answer of the provider that is kept for a while; whoever needs it while it is asked for waits for the same one.
actor KeptAnswer<Value: Sendable> {
    private let clock: MachineClock
    private let ask: @Sendable () async throws -> Value
    private var value: Value?
    /// When it was asked for last, in nanoseconds of a clock that does not go back.
    private var askedAt: Int64?
    private var cameAt: Int64?
    private var underway: Task<Value, any Error>?

    /// For so long an answer is taken for what is still so, in nanoseconds.
    private static var freshness: Int64 { 3_600_000_000_000 }
    /// An answer that is not good enough is asked for anew at most so often: anybody can make it seem so.
    private static var pause: Int64 { 30_000_000_000 }
    /// One that did not come is asked for again at most so often.
    private static var retry: Int64 { 2_000_000_000 }

    /// Nothing was asked yet.
    init(clock: MachineClock, ask: @escaping @Sendable () async throws -> Value) {
        self.clock = clock
        self.ask = ask
    }

    /// The answer.
    ///
    /// An old one is better than none: it is given as long as no newer one can be had.
    ///
    /// - Parameter isGood: whether an answer is good enough for the caller; one that is not may be given all the same.
    /// - Returns: the newest one that can be had.
    /// - Throws: what asking throws, where there is no answer at all.
    func get(where isGood: (Value) -> Bool = { _ in true }) async throws -> Value {
        let now = clock.boot()
        if let value, let cameAt {
            let wait = now - cameAt >= Self.freshness ? Self.retry : isGood(value) ? Int64.max : Self.pause
            if underway == nil, now - (askedAt ?? 0) < wait { return value }
        }
        do {
            return try await askOnce(now)
        } catch {
            guard let value else { throw error }
            return value
        }
    }

    private func askOnce(_ now: Int64) async throws -> Value {
        if let underway { return try await underway.value }
        askedAt = now
        let task = Task { [ask] in try await ask() }
        underway = task
        defer { underway = nil }
        let found = try await task.value
        value = found
        cameAt = clock.boot()
        return found
    }
}
