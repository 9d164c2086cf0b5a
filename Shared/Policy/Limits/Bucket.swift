/// The state of one limit for one subject: a GCRA bucket, which is one time, and the slots in use.
///
/// A class, because a call that is under way must find the same slots again after the policy was replaced. It belongs
/// to the owner of the table.
final class Bucket {
    /// The theoretical arrival time: when the bucket will be at rest again, in nanoseconds of the owner's clock.
    private(set) var arrival: Int64 = .min
    private(set) var slotsInUse = 0

    /// How long a call has to wait at `now`; 0 if it may pass.
    func wait(_ limit: CompiledLimit, now: Int64) -> Int64 {
        var wait: Int64 = 0
        if limit.interval > 0, arrival > now {
            // A debt that was taken over before the limit was known can be of any size.
            if arrival - now > limit.largestDebt { arrival = now + limit.largestDebt }
            wait = max(arrival - now - limit.tolerance, 0)
        }
        if let slots = limit.slots, slotsInUse >= slots {
            wait = max(wait, CompiledLimit.slotWait)
        }
        return wait
    }

    /// Lets a call pass for which `wait` was 0.
    func take(_ limit: CompiledLimit, now: Int64) {
        if limit.interval > 0 { arrival = max(arrival, now) + limit.interval }
        if limit.slots != nil { slotsInUse += 1 }
    }

    /// Gives a slot back.
    func release() {
        assert(slotsInUse > 0, "a slot was given back twice")
        slotsInUse -= 1
    }

    /// Whether it behaves like a new one.
    func isAtRest(now: Int64) -> Bool { arrival <= now && slotsInUse == 0 }

    /// What is owed at `now`.
    func debt(now: Int64) -> Int64 { arrival > now ? arrival - now : 0 }

    /// Takes over a debt, at most as much as the limit can owe.
    func restore(debt: Int64, _ limit: CompiledLimit, now: Int64) {
        arrival = max(arrival, now + min(max(debt, 0), limit.largestDebt))
    }

    /// Takes over a debt to a limit that no rule defines now.
    func restore(debt: Int64, now: Int64) {
        arrival = max(arrival, now + min(max(debt, 0), CompiledLimit.longest))
    }

    /// Counts a call that passed before, at `then`.
    func count(_ limit: CompiledLimit, then: Int64) {
        guard limit.interval > 0 else { return }
        arrival = max(arrival, min(max(arrival, then) + limit.interval, then + limit.largestDebt))
    }
}

/// The numbers of a limit.
struct CompiledLimit {
    /// Nanoseconds from one call to the next; 0: no rate.
    let interval: Int64
    /// How far the arrival time may lie ahead of now.
    let tolerance: Int64
    let slots: Int?

    /// The most that can be owed.
    var largestDebt: Int64 { tolerance + interval }

    /// The most that any limit can be owed.
    static let longest: Int64 = 1_000_000 * 3_600_000_000_000

    /// How long to wait for a slot, which cannot be known: a second.
    static let slotWait: Int64 = 1_000_000_000

    init(_ rule: LimitRule) {
        interval = rule.rate?.interval ?? 0
        // At most 10^6 hours of 3.6 * 10^12 ns each, which leaves 180 years to the clock.
        tolerance = interval * Int64(rule.burst - 1)
        slots = rule.concurrent
    }
}
