import AuditLog
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import Spool

@Suite("Recovery")
struct RecoveryTests {
    private static let segment = SegmentFile(first: 0, end: 0, bytes: 0)

    /// A closed spool of a few records: two calls that ended, one that did not.
    private func filled(_ configuration: SpoolConfiguration = Scratch.configuration) throws -> Scratch {
        let scratch = Scratch()
        let spool = try scratch.open(configuration)
        for number in 0..<2 {
            try spool.record(begin(number))
            try spool.record(end(number))
        }
        try spool.record(begin(2))
        spool.close()
        return scratch
    }

    @Test("A call that did not end gets the end `unknown` with its own facts, once")
    func unknown() throws {
        let scratch = Scratch()
        let spool = try scratch.open()
        let items: [CallItem] = [.tool("t\u{1}\"é"), .prompt("p"), .resource(uri: Array("repo://x".utf8)), .none]
        for (number, item) in items.enumerated() {
            let facts = facts(number, how: .local, item: item)
            try spool.record(.callBegin(facts, decision(isAllowed: true), credential: "c-1"))
        }
        spool.close()
        let again = try scratch.open()
        #expect(again.found == Spool.Found(torn: 0, unknown: 4))
        again.close()
        let records = try scratch.records()
        #expect(records.count == 8)
        for (begin, end) in zip(records.prefix(4), records.suffix(4)) {
            #expect(end["kind"] == "call.end")
            #expect(end["out"]?["is"] == "unknown")
            for name in ["call", "trace", "client", "srv", "method", "tool", "prompt", "uri_hash"] as [JSONText] {
                #expect(begin[name] == end[name])
            }
        }
        #expect(try scratch.open().found == Spool.Found(torn: 0, unknown: 0))
    }

    @Test("Killed at any byte of a write: what is there whole is kept, half a line is dropped and counted")
    func truncation() throws {
        let scratch = try filled()
        let whole = try scratch.bytes(Self.segment.name)
        let lines = whole.split(separator: 0x0A)
        try scratch.folder.remove(Self.segment.hashName)
        for length in 0...whole.count {
            try scratch.write(Array(whole[..<length]), Self.segment.name)
            try? scratch.folder.remove(Self.segment.hashName)
            let recovery = try SpoolRecovery(scratch.folder)
            let kept = whole[..<length].filter { $0 == 0x0A }.count
            #expect(recovery.segments.last?.end == UInt64(kept))
            let isWhole = length == 0 || whole[length - 1] == 0x0A
            #expect(recovery.torn == (isWhole ? 0 : 1))
            #expect(recovery.open.begins.count == kept % 2)
            #expect(try scratch.bytes(Self.segment.name).split(separator: 0x0A) == Array(lines[..<kept]))
            let hashes = try scratch.folder.size(Self.segment.hashName) ?? 0
            #expect(hashes == kept * Hash.length)
        }
    }

    @Test("What was durable and is cut off is damage, at every byte")
    func cutOff() throws {
        let scratch = try filled()
        let whole = try scratch.bytes(Self.segment.name)
        for length in 0..<whole.count {
            try scratch.write(Array(whole[..<length]), Self.segment.name)
            #expect(throws: SpoolError(.damaged, "")) { _ = try SpoolRecovery(scratch.folder) }
        }
    }

    @Test("A flipped bit at any byte of any file is found, and the line is named", arguments: 0..<8)
    func flips(bit: Int) throws {
        let scratch = try filled()
        let names = [Self.segment.name, Self.segment.hashName, SpoolState.name, "open"]
        for name in names {
            let whole = try scratch.bytes(name)
            for place in stride(from: bit % 2, to: whole.count, by: 2) {
                var changed = whole
                changed[place] ^= 1 << UInt8(bit)
                try scratch.write(changed, name)
                do {
                    _ = try SpoolRecovery(scratch.folder)
                    Issue.record("bit \(bit) of byte \(place) of \(name) was not noticed")
                } catch {
                    #expect(error.kind == .damaged)
                    #expect(error.message.contains(scratch.path))
                    if name == Self.segment.name {
                        let line = whole[..<place].filter { $0 == 0x0A }.count + 1
                        #expect(error.message.contains("\(name):\(line) "))
                    }
                }
            }
            try scratch.write(whole, name)
        }
        #expect(try SpoolRecovery(scratch.folder).torn == 0)
    }

    @Test("Records in a file that were never hashed: a bad line with a good one behind it is damage, else it is torn")
    func unhashed() throws {
        let scratch = try filled()
        let lines = try scratch.bytes(Self.segment.name).split(separator: 0x0A, omittingEmptySubsequences: false)
        func found(_ change: (inout [[UInt8]]) -> Void) throws -> SpoolRecovery {
            var changed = lines.map(Array.init)
            change(&changed)
            try scratch.write(Array(changed.joined(separator: [0x0A])), Self.segment.name)
            try? scratch.folder.remove(Self.segment.hashName)
            return try SpoolRecovery(scratch.folder)
        }
        #expect(throws: SpoolError(.damaged, "")) { _ = try found { $0[1] = [] } }
        #expect(throws: SpoolError(.damaged, "")) { _ = try found { $0[1] = $0[0] } }
        #expect(throws: SpoolError(.damaged, "")) { _ = try found { $0.swapAt(1, 2) } }
        #expect(throws: SpoolError(.damaged, "")) { _ = try found { $0.remove(at: 3) } }
        #expect(try found { $0[4] = [0, 0, 0, 0] }.torn == 1)
        let zeros = try found { $0.replaceSubrange(3..<5, with: [[UInt8](repeating: 0, count: 700), [0]]) }
        #expect(zeros.torn == 2)
        #expect(zeros.segments.last?.end == 3)
        // A record's line feed alone was not written any more.
        #expect(try found { $0.removeLast() }.torn == 1)
    }

    @Test("Files that are missing are noticed, those that can be made again are made again")
    func missing() throws {
        var configuration = Scratch.configuration
        configuration.segmentBytes = 1
        let scratch = try filled(configuration)
        let names = try scratch.folder.names().filter { SegmentFile.first(name: $0) != nil }.sorted()
        #expect(names.count == 5)
        for name in names.dropLast() {
            let copy = try scratch.copy()
            try copy.folder.remove(name)
            #expect(throws: SpoolError(.damaged, "")) { _ = try SpoolRecovery(copy.folder) }
        }
        let bare = try scratch.copy()
        for name in try bare.folder.names() where name.hasSuffix(SegmentFile.hashSuffix) || name == "open" {
            try bare.folder.remove(name)
        }
        let recovery = try SpoolRecovery(bare.folder)
        #expect(recovery.segments.last?.end == 5)
        #expect(recovery.open.begins.count == 1)
        try bare.folder.remove(SpoolState.name)
        #expect(throws: SpoolError(.damaged, "")) { _ = try SpoolRecovery(bare.folder) }
    }

    @Test("The power went while a new segment was begun: what is behind the gap goes too, if it was never durable")
    func tornBoundary() async throws {
        var configuration = Scratch.configuration
        configuration.segmentBytes = 1
        let scratch = try filled(configuration)
        let names = try scratch.folder.names().filter { SegmentFile.first(name: $0) != nil }.sorted()
        let fourth = try scratch.bytes(names[3])
        for length in [0, 1, fourth.count / 2, fourth.count - 1] {
            let copy = try scratch.copy()
            try copy.write(Array(fourth[..<length]), names[3])
            // It was known to be durable: a start does not read what it has no need of, shipping does.
            let damaged = try copy.copy()
            let spool = try damaged.open(configuration)
            await #expect(throws: SpoolError(.damaged, "")) {
                for number in 0..<5 { _ = try await spool.batch(from: UInt64(number), atMost: 1) }
            }
            #expect(throws: SpoolError(.damaged, "")) { try spool.record(begin(9)) }
            spool.close()
            for first in [3, 4] {
                try copy.folder.remove(SegmentFile(first: UInt64(first), end: 0, bytes: 0).hashName)
            }
            let recovery = try SpoolRecovery(copy.folder)
            #expect(recovery.segments.last?.end == 3)
            #expect(recovery.torn == (length == 0 ? 1 : 2))
            #expect(try SpoolRecovery(copy.folder).torn == 0)
        }
    }
}
