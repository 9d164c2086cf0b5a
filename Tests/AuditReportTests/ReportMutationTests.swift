import AuditLog
import AuditReport
import Kits
import StrictJSON
import Testing
import TransparencyLog

/// Every change of a report is found: anybody's that the coordinator did not sign, and, in all that is proven and not
/// just stated, also the coordinator's own.
@Suite("Reports that were tampered with")
struct ReportMutationTests {
    private static func summary(_ report: ReportInMemory) throws -> String {
        String(decoding: try #require(report.files["SUMMARY.txt"]), as: UTF8.self)
    }

    /// Each file with one byte changed.
    private static func flips(_ report: ReportInMemory, step: Int = 1) -> [(path: String, place: Int)] {
        report.files.sorted { $0.key < $1.key }.flatMap { path, bytes in
            stride(from: 0, to: bytes.count, by: step).map { (path, $0) }
        }
    }

    private static func flipped(_ report: ReportInMemory, _ path: String, _ place: Int) -> ReportInMemory {
        var report = report
        // A bit of the letter's case, of the digit, of the top: another one at each place.
        report.files[path]?[place] ^= [0x01, 0x20, 0x80, 0x04][place % 4]
        return report
    }

    @Test("Every byte of every file changed is found, and the file named")
    func everyByte() throws {
        let world = try ReportWorld.small()
        let report = try world.report { _, number in number < 2 }
        #expect(world.verify(report).isOK)
        for (path, place) in Self.flips(report) {
            let verdict = world.verify(Self.flipped(report, path, place))
            guard let failure = verdict.failure else {
                Issue.record("byte \(place) of \(path)")
                continue
            }
            #expect(!verdict.isOK && verdict.proven.isEmpty && !failure.why.isEmpty)
            // Only the list of files can point at one that it no longer fits.
            if path != "SUMMARY.txt" { #expect(failure.place.hasPrefix(path), "\(path) \(place): \(failure)") }
        }
    }

    @Test("Bytes of a larger report changed are found")
    func someBytes() throws {
        let world = try ReportWorld.usual()
        let report = try world.report(bundles: [2])
        for (path, place) in Self.flips(report, step: 97) {
            #expect(world.verify(Self.flipped(report, path, place)).failure != nil, "byte \(place) of \(path)")
        }
    }

    @Test("A coordinator that signs anew cannot change a byte of what is proven")
    func resignedBytes() throws {
        let world = try ReportWorld.small()
        let report = try world.report(bundles: [2])
        #expect(world.verify(try world.resigned(report)).isOK)
        for (path, place) in Self.flips(report, step: 7) where path != "SUMMARY.txt" {
            let verdict = world.verify(try world.resigned(Self.flipped(report, path, place)))
            // The name of a person is the coordinator's word.
            let stated = report.files[path]?.firstRange(of: "ann@example.com".utf8)
            if path != "keys/a-aaaa.json" || stated?.contains(place) != true {
                #expect(verdict.failure != nil, "byte \(place) of \(path)")
            }
        }
    }

    @Test("Every line of every file left out, doubled or swapped is found, signed anew or not")
    func lines() throws {
        let world = try ReportWorld.small()
        let report = try world.report(bundles: [2])
        for (path, bytes) in report.files {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            for index in lines.indices {
                var less = lines, twice = lines, swapped = lines
                less.remove(at: index)
                twice.insert(lines[index], at: index)
                if index > 0 { swapped.swapAt(index, index - 1) }
                for changed in [less, twice, swapped] where changed != lines {
                    var other = report
                    other.files[path] = changed.flatMap { $0 + [UInt8(ascii: "\n")] }
                    #expect(world.verify(other).failure != nil, "line \(index + 1) of \(path)")
                    // Of a checkpoint one signature twice says nothing more than once.
                    if path == "SUMMARY.txt" || lines[index].starts(with: "\u{2014} ".utf8) { continue }
                    #expect(world.verify(try world.resigned(other)).failure != nil, "line \(index + 1) of \(path)")
                }
            }
        }
    }

    @Test("Every file cut short, or with something behind, is found, signed anew or not")
    func ends() throws {
        let world = try ReportWorld.small()
        let report = try world.report(bundles: [2])
        for (path, bytes) in report.files {
            for changed in [[], Array(bytes.dropLast()), bytes + [0x0A], bytes + [0x20], [0x0A] + bytes, bytes + bytes]
            {
                var other = report
                other.files[path] = changed
                #expect(world.verify(other).failure?.place.isEmpty == false, "\(path)")
                if path == "SUMMARY.txt" { continue }
                #expect(world.verify(try world.resigned(other)).failure != nil, "\(path)")
            }
        }
    }

    @Test("A file that is missing, renamed, extra or in the place of another is found")
    func files() throws {
        let world = try ReportWorld.small()
        let report = try world.report(bundles: [2])
        for (path, bytes) in report.files {
            var missing = report
            missing.files[path] = nil
            #expect(world.verify(missing).failure?.place == path)
            var renamed = missing
            renamed.files[path + ".away"] = bytes
            #expect(world.verify(renamed).failure?.place == path)
            if path != "SUMMARY.txt", !path.hasPrefix("bundles/"), !path.hasSuffix(".revoke.tlog-proof") {
                let failure = try #require(world.verify(try world.resigned(missing)).failure)
                #expect(failure.place == path || failure.place == "records.jsonl:1" || !failure.why.isEmpty)
            }
            for (other, otherBytes) in report.files where other != path && otherBytes != bytes {
                var swapped = report
                swapped.files[path] = otherBytes
                swapped.files[other] = bytes
                #expect(world.verify(swapped).failure != nil)
                if path == "SUMMARY.txt" || other == "SUMMARY.txt" { continue }
                #expect(world.verify(try world.resigned(swapped)).failure != nil, "\(path) and \(other)")
            }
        }
        for extra in [
            "extra.txt", "keys/extra", "agents/a-zzzz.checkpoint", "bundles/01.tlog-proof", "a\u{1B}[31m", "\u{301}",
        ] {
            var more = report
            more.files[extra] = [1]
            let place = try #require(world.verify(more).failure?.place)
            #expect(place == extra || place.contains("?"))
            #expect(place.utf8.allSatisfy { (0x20...0x7E).contains($0) })
            if place == extra { #expect(world.verify(try world.resigned(more)).failure != nil) }
        }
    }

    @Test("A coordinator that signs anew cannot leave out, double, move or change a record")
    func resignedRecords() throws {
        let world = try ReportWorld.usual()
        let report = try world.report()
        let records = try #require(report.files["records.jsonl"])
        let lines = records.split(separator: UInt8(ascii: "\n"))
        func verify(_ changed: [ArraySlice<UInt8>], count: Int) throws -> ReportVerdict {
            var other = report
            other.files["records.jsonl"] = changed.flatMap { $0 + [UInt8(ascii: "\n")] }
            return world.verify(
                try world.resigned(other) { lines in
                    for index in lines.indices where lines[index].hasPrefix("records ") {
                        lines[index] = "records \(count)"
                    }
                }
            )
        }
        #expect(try verify(Array(lines), count: lines.count).isOK)
        #expect(try verify(Array(lines), count: lines.count - 1).failure?.place == "SUMMARY.txt")
        for index in lines.indices {
            var less = Array(lines)
            less.remove(at: index)
            #expect(try verify(less, count: less.count).failure != nil)
            var twice = Array(lines)
            twice.insert(lines[index], at: index)
            #expect(try verify(twice, count: twice.count).failure?.place == "records.jsonl:\(index + 2)")
            // The words of a record changed so that it stays one.
            let text = String(decoding: lines[index], as: UTF8.self)
            let number = index < SampleRecords.bodies.count ? index : index - SampleRecords.bodies.count
            let changed = text.replacing("\"seq\":\(number),", with: "\"seq\":\(number + 100),")
            if changed != text {
                var other = Array(lines)
                other[index] = Array(changed.utf8)[...]
                #expect(try verify(other, count: other.count).failure != nil)
            }
        }
        #expect(try verify(lines.reversed(), count: lines.count).failure?.place == "records.jsonl:1")
        #expect(try verify([], count: 0).failure?.place == "agents/a-aaaa.checkpoint")
    }

    @Test("Lines of the summary that say something else in the same words are refused")
    func summaryLines() throws {
        let world = try ReportWorld.small()
        let report = try world.report()
        let lines = try Self.summary(report).split(separator: "\n\n")[0].split(separator: "\n").map(String.init)
        func place(_ from: String, _ to: String) throws -> String? {
            world.verify(
                try world.resigned(report) { lines in
                    lines = lines.map { $0.replacing(from, with: to) }
                }
            ).failure?.place
        }
        #expect(
            lines.prefix(6).map { $0.split(separator: " ")[0] } == [
                "gate.example.com/report", "format", "made", "from", "to", "records",
            ]
        )
        #expect(try place("format 1", "format 2") == "SUMMARY.txt:2")
        #expect(try place("made ", "made  ") == "SUMMARY.txt:3")
        #expect(try place("made ", "Made ") == "SUMMARY.txt:3")
        #expect(try place("from 1970", "from 1969") == "SUMMARY.txt:4")
        #expect(try place("to 9999-12-31", "to 9999-12-32") == "SUMMARY.txt:5")
        #expect(try place("records 4", "records 04") == "SUMMARY.txt:6")
        #expect(try place("records 4", "records 4 ") == "SUMMARY.txt:6")
        #expect(try place("records 4", "records 5") == "SUMMARY.txt")
        #expect(try place("records 4", "user \nrecords 4") == "SUMMARY.txt:6")
        #expect(try place("records 4", "server x\nuser y\nrecords 4") == "SUMMARY.txt:7")
        #expect(try place("records 4", "records 4\n") != nil)
        #expect(try place("agents/a-aaaa.cover", "agents/../a-aaaa.cover") != nil)
        #expect(try place("agents/a-aaaa.cover", "agents/A-aaaa.cover") != nil)
        #expect(try place("  agents/a-aaaa.cover", " *agents/a-aaaa.cover") != nil)
        #expect(try place("records.jsonl", "./records.jsonl") != nil)
        #expect(try place("gate.example.com/report", "gate.example.com/audit") == "SUMMARY.txt:1")
        #expect(try place("gate.example.com/report", "other.example.com/report") == "policy.tlog")
    }

    @Test("Proofs that are too long, too short or for another place are refused")
    func proofs() throws {
        let world = try ReportWorld.usual()
        let report = try world.report(bundles: [2])
        for path in report.files.keys where path.hasSuffix(".tlog-proof") {
            let text = String(decoding: try #require(report.files[path]), as: UTF8.self)
            let parts = text.split(separator: "\n\n", maxSplits: 1).map(String.init)
            var lines = parts[0].split(separator: "\n").map(String.init)
            let index = try #require(Int(lines[2].dropFirst("index ".count)))
            var changes = [lines + [lines.last ?? ""], lines.dropLast(), lines + [""]]
            for other in [index + 1, index ^ 1, index + Int(world.org.size), Int.max] {
                lines[2] = "index \(other)"
                changes.append(lines)
            }
            lines[2] = "index 0\(index)"
            changes.append(lines)
            lines[2] = "index -\(index)"
            changes.append(lines)
            for change in changes {
                var other = report
                other.files[path] = Array((change.joined(separator: "\n") + "\n\n" + parts[1]).utf8)
                #expect(world.verify(try world.resigned(other)).failure?.place == path)
            }
        }
        for path in report.files.keys where path.hasSuffix(".cover") {
            let bytes = try #require(report.files[path])
            var other = report
            other.files[path] = bytes + Array("\(Hash.empty.base64)\n".utf8)
            #expect(world.verify(try world.resigned(other)).failure?.place == path)
        }
    }

    @Test("An older state of the organisation's log, or one that another key signed, is refused")
    func otherStates() throws {
        var world = try ReportWorld.small()
        let old = try world.report()
        world.log(.adminChange(.init(who: "u", what: "x", before: nil, after: nil)))
        let new = try world.report()
        var mixed = new
        mixed.files["org.checkpoint"] = old.files["org.checkpoint"]
        #expect(world.verify(try world.resigned(mixed)).failure?.place == "keys/a-aaaa.enrol.tlog-proof")
        let stranger = try ReportWorld.key(99)
        let root = try world.org.root(size: world.org.size)
        for checkpoint in [
            try Checkpoint(origin: world.names.audit, size: world.org.size, root: root).signed(by: stranger),
            try Checkpoint(origin: world.names.bundle, size: world.org.size, root: root).signed(by: world.coordinator),
        ] {
            mixed.files["org.checkpoint"] = checkpoint.bytes
            #expect(world.verify(try world.resigned(mixed)).failure?.place == "org.checkpoint")
        }
    }

    @Test("Whatever the files hold, there is a verdict")
    func garbage() throws {
        let world = try ReportWorld.small()
        let report = try world.report(bundles: [2])
        var state: UInt64 = 42
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(count, 1)
        }
        let paths = report.files.keys.sorted()
        for _ in 0..<400 {
            var other = report
            for _ in 0...random(3) {
                let path = paths[random(paths.count)]
                var bytes = other.files[path] ?? []
                let source = report.files[paths[random(paths.count)]] ?? []
                let start = random(bytes.count)
                let piece = source[random(source.count)...].prefix(random(60))
                if random(2) == 0 { bytes.removeSubrange(start..<min(bytes.count, start + random(60))) }
                bytes.insert(contentsOf: piece, at: min(start, bytes.count))
                other.files[path] = bytes
            }
            if other.files == report.files { continue }
            #expect(world.verify(other).failure != nil)
            // Signed anew most are still refused; what counts here is that there is an answer.
            if other.files["SUMMARY.txt"] == report.files["SUMMARY.txt"] { _ = world.verify(try world.resigned(other)) }
        }
    }
}
