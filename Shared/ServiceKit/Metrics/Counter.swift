internal import Synchronization

/// A number that only rises.
package final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    init() {}

    /// Adds to it, without a lock or an allocation.
    package func add(_ amount: Int = 1) {
        value.wrappingAdd(amount, ordering: .relaxed)
    }

    /// What was added so far.
    package var total: Int { value.load(ordering: .relaxed) }
}

/// A number that rises and falls.
package final class Gauge: Sendable {
    private let value = Atomic<Int>(0)

    init() {}

    /// Replaces it, without a lock or an allocation.
    package func set(_ value: Int) {
        self.value.store(value, ordering: .relaxed)
    }

    /// Moves it up, or down for a negative amount.
    package func add(_ amount: Int) {
        value.wrappingAdd(amount, ordering: .relaxed)
    }

    /// What it is now.
    package var current: Int { value.load(ordering: .relaxed) }
}
