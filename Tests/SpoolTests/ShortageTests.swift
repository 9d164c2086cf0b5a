import Errors
import Foundation
import Glibc
import Logging
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Spool

@Suite("What runs out for a while")
struct ShortageTests {
    /// Has every file that this process may open, until it is released.
    final class AllFiles {
        private var limit = rlimit()
        private var files: [Int32] = []
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

        init() {
            getrlimit(Self.resource, &limit)
            var low = rlimit(rlim_cur: 128, rlim_max: limit.rlim_max)
            setrlimit(Self.resource, &low)
            while case let file = dup(0), file >= 0 { files.append(file) }
        }

        func release() {
            for file in files { close(file) }
            files = []
            setrlimit(Self.resource, &limit)
        }
    }

    /// Keeps what was logged.
    struct Log: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        final class Lines: Sendable {
            let all = Mutex<[String]>([])
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.all.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }

    private func eventually(_ condition: () -> Bool) -> Bool {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .seconds(10) {
            if condition() { return true }
            usleep(2_000)
        }
        return condition()
    }

    private static var roomy: SpoolConfiguration {
        var configuration = Scratch.configuration
        configuration.maxBytes = 8 << 20
        return configuration
    }

    /// In a process of its own: one that lives for a second without files is ended by the system's libraries.
    @Test(
        "While no file can be opened, records are made, become durable and are read; afterwards all goes on by itself"
    )
    func files() async {
        await #expect(processExitsWith: .success) { try await ShortageTests().whileNoFileCanBeOpened() }
    }

    private func whileNoFileCanBeOpened() async throws {
        let scratch = Scratch()
        let spool = try scratch.open(Self.roomy)
        try spool.record(begin(0))
        try await spool.wait(for: 0)
        _ = try await spool.batch(from: 0, atMost: 1)

        let files = AllFiles()
        for number in 1..<200 { try spool.record(begin(number)) }
        let isDurable = eventually { spool.durable == 200 }
        let batch = try? await spool.batch(from: 0, atMost: .max)
        var frontier = MerkleFrontier()
        for hash in batch?.hashes ?? [] { frontier.append(hash: hash) }
        let edge = frontier
        let isCountersigned = (try? await spool.countersigned(edge)) != nil
        let (failure, problem) = (spool.failure, spool.problem)
        files.release()

        #expect(isDurable)
        #expect(batch?.records.count == 200)
        // What needs a new file waits, and nothing is final.
        #expect(!isCountersigned)
        #expect(failure == nil)
        #expect(problem == nil)
        try await spool.countersigned(edge)
        for number in 200..<300 { try spool.record(begin(number)) }
        try await spool.wait(for: 299)
        #expect(try scratch.folder.names().filter { SegmentFile.first(name: $0) != nil }.count > 1)
        spool.close()
        #expect(try scratch.records().numbers == Array(0..<300))
        let again = try scratch.open(Self.roomy)
        #expect(again.found == Spool.Found(torn: 0, unknown: 300))
        again.close()
    }

    @Test("A caller that waits for a record is told when the spool closes")
    func closing() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        let waiting = Task { try await spool.wait(for: 100) }
        let start = ContinuousClock.now
        while spool.core.observers.withLock({ $0.each.isEmpty }), ContinuousClock.now - start < .seconds(10) {
            await Task.yield()
        }
        spool.close()
        await #expect(throws: SpoolError(.closed, "")) { try await waiting.value }
    }

    @Test("A full disk shows with its file for as long as it lasts, and is logged once at each end")
    func fullDisk() async throws {
        let scratch = Scratch()
        let disk = PressureTests.Disk()
        let lines = Log.Lines()
        let spool = try scratch.open(disk: disk.calls, logger: Logger(label: "test") { _ in Log(lines: lines) })
        try spool.record(begin(1))
        #expect(spool.problem == nil)
        disk.room.withLock { $0 = 0 }
        for number in 2..<20 { #expect(throws: SpoolError(.full, "")) { try spool.record(begin(number)) } }
        #expect(spool.problem?.message.contains(scratch.path) == true)
        #expect(spool.problem?.message.contains("No space left on device") == true)
        #expect(eventually { lines.all.withLock { $0.count } == 1 })
        disk.room.withLock { $0 = nil }
        #expect(eventually { spool.problem == nil })
        try spool.record(begin(20))
        #expect(eventually { lines.all.withLock { $0.count } == 2 })
        spool.close()
        let all = lines.all.withLock { $0 }
        #expect(all.count == 2)
        #expect(all.first?.contains("\(scratch.path)/") == true)
        #expect(all.last?.hasPrefix("Calls can be recorded again.") == true)
    }

    @Test("A disk that is too small for the reserve says how much it needs, from the start on")
    func smallDisk() throws {
        let scratch = Scratch()
        var disk = SpoolDisk.system
        disk.allocate = { _, _ in ENOSPC }
        var configuration = Self.roomy
        configuration.reserveBytes = 64 << 20
        let spool = try scratch.open(configuration, disk: disk)
        let problem = try #require(spool.problem)
        #expect(problem.message.contains("\(scratch.path)/reserve cannot be made: 65 MiB must be free"))
        #expect(throws: SpoolError(.full, "")) { try spool.record(begin(1)) }
        spool.close()
    }

    @Test("A write that failed for another reason shows until one works or no caller tries any more")
    func otherError() throws {
        let scratch = Scratch()
        let isBroken = Mutex(true)
        var disk = SpoolDisk.system
        disk.write = { file, bytes in
            guard isBroken.withLock({ $0 }) else { return SpoolDisk.system.write(file, bytes) }
            errno = EIO
            return -1
        }
        let spool = try scratch.open(disk: disk)
        #expect(throws: SpoolError(.file, "")) { try spool.record(deny(1)) }
        #expect(spool.problem?.message.contains("Input/output error") == true)
        #expect(eventually { spool.problem == nil })
        isBroken.withLock { $0 = false }
        try spool.record(deny(1))
        #expect(spool.problem == nil)
        spool.close()
    }
}
