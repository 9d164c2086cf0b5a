import Bytes
import Errors
import Foundation
import Glibc
import ServiceKit
import StrictJSON
import Synchronization
import Testing
import TransparencyLog

@testable import Spool

@Suite("Pressure")
struct PressureTests {
    /// A disk that is full at will: writes then go to /dev/full, which answers as a full disk does.
    final class Disk: Sendable {
        private let full: Int32 = open("/dev/full", O_WRONLY | O_CLOEXEC)
        /// How many bytes it still takes; nil: any.
        let room = Mutex<Int?>(nil)
        let syncError = Mutex<Int32>(0)

        deinit { close(full) }

        var calls: SpoolDisk {
            SpoolDisk(
                write: { [self] file, bytes in
                    room.withLock { room in
                        guard let left = room else { return SpoolDisk.system.write(file, bytes) }
                        guard left > 0 else { return SpoolDisk.system.write(full, bytes) }
                        let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(left))
                        room = left - part.count
                        return SpoolDisk.system.write(file, part)
                    }
                },
                sync: { [self] file in
                    let error = syncError.withLock { $0 }
                    guard error == 0 else {
                        errno = error
                        return -1
                    }
                    return SpoolDisk.system.sync(file)
                },
                allocate: { [self] file, bytes in
                    room.withLock { $0 } == nil ? SpoolDisk.system.allocate(file, bytes) : ENOSPC
                }
            )
        }
    }

    @Test("At its limit nothing begins, what has begun can end, and both ends of the pressure are recorded")
    func limit() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        var begun = 0
        while (try? spool.record(begin(begun))) != nil { begun += 1 }
        #expect((60...130).contains(begun))
        #expect(spool.isFull)
        #expect(throws: SpoolError(.full, "")) { try spool.record(deny(9999)) }
        for number in 0..<begun / 3 { try spool.record(end(number)) }
        #expect(throws: SpoolError(.full, "")) { try spool.record(begin(9999)) }
        try await spool.wait(for: spool.counts.recorded - 1)
        #expect(try scratch.records().kinds.filter { $0 == "spool.pressure" }.count == 1)

        // Countersigned files go at once, and then there is room.
        var frontier = MerkleFrontier()
        for hash in try await spool.batch(from: 0, atMost: .max).hashes { frontier.append(hash: hash) }
        try await spool.countersigned(frontier)
        #expect(!spool.isFull)
        try spool.record(begin(9999))
        spool.close()
        let records = try scratch.records()
        #expect(records.numbers == Array(Int(frontier.size) - records.count + 2..<Int(frontier.size) + 2))
        #expect(records.filter { $0["kind"] == "spool.pressure" }.last?["state"] == "off")
        #expect(!records.calls("call.begin").contains(RandomID(high: 7, low: 9998).description))
    }

    @Test("However many calls begin and end before the next write, all of them are recorded")
    func manyAtOnce() throws {
        let scratch = Scratch()
        let spool = try scratch.open(SpoolConfiguration())
        for number in 0..<4_000 { try spool.layOut(begin(number)) }
        for number in 0..<4_000 { spool.recordSoon(end(number)) }
        try spool.write()
        #expect(spool.failure == nil)
        #expect(!spool.isFull)
        spool.close()
        #expect(try scratch.records().numbers == Array(0..<8_000))
    }

    @Test("What does not fit even into the reserve makes it stop, not forget, and is told")
    func reserveIsFull() async throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        let told = Mutex<[SpoolError]>([])
        let observation = spool.observe { news in
            if let failure = news.failure { told.withLock { $0.append(failure) } }
        }
        defer { observation.cancel() }
        var number = 0
        while (try? spool.record(end(number))) != nil { number += 1 }
        #expect((150...300).contains(number))
        spool.recordSoon(end(number))
        #expect(spool.failure?.kind == .full)
        let start = ContinuousClock.now
        while told.withLock({ $0.isEmpty }), ContinuousClock.now - start < .seconds(10) { await Task.yield() }
        spool.close()
        #expect(told.withLock { $0.map(\.kind) } == [.full])
        #expect(try scratch.records().numbers == Array(0..<number + 1) || scratch.records().count == number)
    }

    @Test("On a full disk nothing begins, and the reserve takes what ends", arguments: [0, 1, 300, 700])
    func disk(left: Int) async throws {
        let scratch = Scratch()
        let disk = Disk()
        let spool = try scratch.open(disk: disk.calls)
        try spool.record(begin(1))
        try spool.record(begin(2))
        #expect(try scratch.folder.size(SpoolReserve.name) == 32 << 10)
        disk.room.withLock { $0 = left }
        var begun = 2
        while (try? spool.record(begin(begun + 1))) != nil { begun += 1 }
        #expect(begun == 2 + left / 550)
        #expect(throws: SpoolError(.full, "")) { try spool.record(deny(99)) }
        // Nor does the record of the pressure take it, which the spool's own thread tries to write meanwhile.
        try await Task.sleep(for: .milliseconds(100))
        #expect(try scratch.folder.size(SpoolReserve.name) == 32 << 10)
        #expect(try scratch.records().count >= begun)

        // The end of a call needs the room that was set aside: the system gives it once the reserve is gone.
        let reserve = scratch.folder.path(SpoolReserve.name)
        let freed = Task.detached {
            while access(reserve, F_OK) == 0 { try await Task.sleep(for: .milliseconds(1)) }
            disk.room.withLock { $0 = 4000 }
        }
        while (try? spool.record(end(1))) == nil { try await Task.sleep(for: .milliseconds(5)) }
        spool.recordSoon(end(2))
        try await freed.value
        #expect(spool.isFull)
        #expect(spool.failure == nil)
        #expect(throws: SpoolError(.full, "")) { try spool.record(begin(9)) }

        // Room on the disk is noticed without a restart.
        disk.room.withLock { $0 = nil }
        let start = ContinuousClock.now
        while spool.isFull, ContinuousClock.now - start < .seconds(10) { try await Task.sleep(for: .milliseconds(20)) }
        try spool.record(begin(10))
        #expect(try scratch.folder.size(SpoolReserve.name) == 32 << 10)
        spool.close()
        let records = try scratch.records()
        #expect(records.numbers == Array(0..<records.count))
        #expect(records.filter { $0["kind"] == "spool.pressure" }.map { $0["state"] } == ["on", "off"])
        #expect(records.calls("call.end").count == 2)
        #expect(records.calls("call.begin").count == begun + 1)
    }

    @Test("A disk that does not keep what it was given ends the recording, and what was written is still handed out")
    func sync() async throws {
        let scratch = Scratch()
        let disk = Disk()
        let spool = try scratch.open(disk: disk.calls)
        try spool.record(begin(1))
        try await spool.wait(for: 0)
        disk.syncError.withLock { $0 = EIO }
        try spool.record(begin(2))
        let start = ContinuousClock.now
        while spool.durable < 2, ContinuousClock.now - start < .seconds(10) { await Task.yield() }
        #expect(spool.failure == SpoolError(.failed, ""))
        #expect(throws: SpoolError(.failed, "")) { try spool.record(begin(3)) }
        #expect(throws: SpoolError(.failed, "")) { try spool.record(end(1)) }
        await #expect(throws: SpoolError(.failed, "")) { try await spool.wait(for: 2) }
        #expect(try await spool.records(from: 0, atMost: 10).count == 2)
        spool.close()
    }

    @Test("While writes fail, nothing new is laid out, and what has happened keeps its room")
    func blocked() throws {
        let scratch = Scratch()
        let isBroken = Mutex(false)
        var disk = SpoolDisk.system
        disk.write = { file, bytes in
            guard isBroken.withLock({ $0 }) else { return SpoolDisk.system.write(file, bytes) }
            errno = EIO
            return -1
        }
        let spool = try scratch.open(disk: disk)
        try spool.record(begin(1))
        isBroken.withLock { $0 = true }
        // The first is in memory before anybody knows, as is the end that it then gets.
        try spool.layOut(begin(2))
        #expect(throws: SpoolError(.file, "")) { try spool.write() }
        spool.recordSoon(end(2))
        for number in 3..<5_000 {
            #expect(throws: SpoolError(.file, "")) { try spool.layOut(begin(number)) }
        }
        isBroken.withLock { $0 = false }
        spool.recordSoon(end(1))
        try spool.layOut(begin(5_000))
        try spool.write()
        #expect(spool.failure == nil)
        spool.close()
        #expect(
            try scratch.records().kinds == ["call.begin", "call.begin", "call.end", "call.end", "call.begin"]
        )
        #expect(try scratch.records().numbers == Array(0..<5))
    }

    @Test("A write that fails for another reason leaves no half line, and the next one goes on")
    func error() throws {
        let scratch = Scratch()
        let isBroken = Mutex(false)
        var disk = SpoolDisk.system
        disk.write = { file, bytes in
            guard isBroken.withLock({ $0 }) else { return SpoolDisk.system.write(file, bytes) }
            if bytes.count > 100 {
                return SpoolDisk.system.write(file, UnsafeRawBufferPointer(rebasing: bytes.prefix(100)))
            }
            errno = EIO
            return -1
        }
        let spool = try scratch.open(disk: disk)
        try spool.record(begin(1))
        isBroken.withLock { $0 = true }
        #expect(throws: SpoolError(.file, "")) { try spool.record(begin(2)) }
        isBroken.withLock { $0 = false }
        try spool.record(end(1))
        spool.close()
        #expect(try scratch.records().kinds == ["call.begin", "call.end"])
        #expect(try scratch.records().numbers == [0, 1])
    }
}
