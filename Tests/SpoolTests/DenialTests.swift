import Errors
import Foundation
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Spool

@Suite("Refusals")
struct DenialTests {
    private func fill(_ spool: Spool, from first: Int = 0) -> Int {
        var number = first
        while (try? spool.record(deny(number))) != nil { number += 1 }
        return number - first
    }

    private func frontier(_ spool: Spool) async throws -> MerkleFrontier {
        var frontier = MerkleFrontier()
        for hash in try await spool.batch(from: 0, atMost: .max).hashes { frontier.append(hash: hash) }
        return frontier
    }

    @Test("Refusals use at most a quarter of the room, over restarts too, and calls go on")
    func share() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        let denied = fill(spool)
        #expect((16...33).contains(denied))
        #expect(throws: SpoolError(.denialsFull, "")) { try spool.record(deny(1000)) }
        #expect(throws: SpoolError(.denialsFull, "")) { try spool.layOut(deny(1000)) }
        #expect(!spool.isFull)
        #expect(spool.problem == nil)
        for number in 0..<40 {
            try spool.record(begin(number))
            try spool.record(end(number))
        }
        #expect(fill(spool, from: 2000) == 0)
        try await spool.wait(for: spool.counts.recorded - 1)
        spool.close()

        // As many as there were: also those in segments that a start does not read.
        let again = try scratch.open()
        #expect(fill(again, from: 3000) == 0)
        try again.record(begin(100))
        try await again.wait(for: again.counts.recorded - 1)
        try await again.countersigned(try await frontier(again))
        #expect(fill(again, from: 4000) > 0)
        again.close()
        let records = try scratch.records()
        #expect(records.numbers.count == records.count)
    }

    @Test("While a client is refused as fast as it can be, records are countersigned steadily")
    func flood() async throws {
        let scratch = Scratch()
        let spool = try scratch.open(SpoolConfiguration())
        let time = Duration.seconds(6)
        let flood = Flood()
        Thread.detachNewThread {
            var number = 0
            while !flood.isOver.load(ordering: .relaxed) {
                try? spool.record(deny(number))
                number += 1
            }
        }
        var edge = MerkleFrontier()
        var longest = Duration.zero
        var last = ContinuousClock.now
        let start = last
        var rounds = 0
        while ContinuousClock.now - start < time {
            let batch = try await spool.batch(from: edge.size, atMost: 256)
            if batch.records.isEmpty {
                try await Task.sleep(for: .milliseconds(1))
            } else {
                for hash in batch.hashes { edge.append(hash: hash) }
                try await spool.countersigned(edge)
                rounds += 1
            }
            longest = max(longest, ContinuousClock.now - last)
            if !batch.records.isEmpty { last = .now }
        }
        flood.isOver.store(true, ordering: .relaxed)
        // By far less than what it does, and far more than when each batch waited for all that had come before it.
        #expect(rounds >= 30)
        #expect(longest < .seconds(2))
        #expect(spool.counts.countersigned == edge.size)
        #expect(spool.problem == nil)
        spool.close()
    }

    private final class Flood: Sendable {
        let isOver = Atomic(false)
    }
}
