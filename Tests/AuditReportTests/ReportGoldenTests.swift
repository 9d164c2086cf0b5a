import AuditReport
import Bytes
import Errors
import Foundation
import StrictJSON
import Testing
import TransparencyLog

/// Reports as the first release of their format made them: each later release must take them.
@Suite("Reports on the disk")
struct ReportGoldenTests {
    static let key = "SHA256:NHUPmL1Z_PyUbaRaqr6TO-FUpLUJThxKv0KGZQXzyX4"

    static func folder(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/report/format-1/\(name)").path(percentEncoded: false)
    }

    /// What the folders were made of.
    static func reports() throws -> [String: ReportInMemory] {
        let world = try ReportWorld.usual()
        let time = ReportSelection(from: ReportWorld.start, to: ReportWorld.start + 14_000_000)
        var server = time
        server.server = "jira"
        var user = time
        user.user = "ann@example.com"
        return [
            "whole": try world.report(bundles: [2]),
            "stretch": try world.report(time, bundles: [2]) { (2...13).contains($1) },
            "server": try world.report(server) { $0 == 1 && [0, 1, 6, 7, 12, 13].contains($1) },
            "user": try world.report(user) { $0 == 0 && $1 < 14 },
            "empty": try world.report { _, _ in false },
        ]
    }

    @Test("Reports of the first format verify for ever", arguments: ["whole", "stretch", "server", "user", "empty"])
    func golden(name: String) throws {
        let folder = try ReportFolder(Self.folder(name))
        let verdict = ReportVerifier.verify(folder, signedBy: Self.key)
        #expect(verdict.isOK, "\(verdict)")
        #expect(verdict.records == ["whole": 38, "stretch": 24, "server": 6, "user": 14, "empty": 0][name])
        #expect(!ReportVerifier.verify(folder, signedBy: nil).isOK)
    }

    @Test("The same things make the same files, but for signatures", arguments: ["whole", "server"])
    func deterministic(name: String) throws {
        let made = try #require(try Self.reports()[name])
        let folder = try ReportFolder(Self.folder(name))
        #expect(Set(try folder.paths()) == Set(made.files.keys))
        for (path, bytes) in made.files {
            let kept = try folder.read(path, atMost: 1 << 20)
            // The hashes of files with signatures differ as these do.
            let text = String(decoding: bytes, as: UTF8.self)
            func unsigned(_ bytes: [UInt8]) -> [Substring] {
                String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { line in
                    !line.hasPrefix("\u{2014} ") && !(path == "SUMMARY.txt" && line.contains("  "))
                }
            }
            #expect(unsigned(kept) == unsigned(bytes), "\(path)")
            if !text.contains("\u{2014} ") { #expect(kept == bytes, "\(path)") }
        }
    }

    @Test("A folder is read as it is: links, pipes and files too many fail, empty folders do not")
    func folders() throws {
        let files = FileManager.default
        let copy = files.temporaryDirectory.appending(path: "report-\(RandomID())")
        defer { try? files.removeItem(at: copy) }
        try files.copyItem(at: URL(filePath: Self.folder("stretch")), to: copy)
        func verdict() throws -> ReportVerdict {
            ReportVerifier.verify(try ReportFolder(copy.path(percentEncoded: false)), signedBy: Self.key)
        }
        #expect(try verdict().isOK)

        try files.createDirectory(at: copy.appending(path: "empty/folder"), withIntermediateDirectories: true)
        #expect(try verdict().isOK)
        try Data([1]).write(to: copy.appending(path: "empty/.hidden"))
        #expect(try verdict().failure?.place == "empty/.hidden")
        try files.removeItem(at: copy.appending(path: "empty"))

        let records = copy.appending(path: "records.jsonl")
        let away = copy.appending(path: "keys/away")
        try files.moveItem(at: records, to: away)
        #expect(try verdict().failure?.place == "records.jsonl")
        try files.createSymbolicLink(at: records, withDestinationURL: away)
        #expect(try verdict().failure?.place == "records.jsonl")
        try files.removeItem(at: records)
        #expect(mkfifo(records.path(percentEncoded: false), 0o600) == 0)
        #expect(try verdict().failure?.place == "records.jsonl")
        try files.removeItem(at: records)
        try files.createDirectory(at: records, withIntermediateDirectories: false)
        #expect(try verdict().failure?.place == "records.jsonl")

        #expect(throws: ReportError(.folder, "")) { try ReportFolder(copy.path(percentEncoded: false) + "/none") }
        #expect(throws: ReportError(.folder, "")) { try ReportFolder(away.path(percentEncoded: false)) }
    }

    @Test("Records are read piece by piece, wherever a piece ends", arguments: [1, 2, 7, 100, 731, 4096])
    func pieces(length: Int) throws {
        let world = try ReportWorld.usual()
        let report = try world.report(bundles: [2])
        let key = world.coordinator.publicKey.fingerprint
        #expect(ReportVerifier.verify(ReportInPieces(report: report, length: length), signedBy: key).isOK)
        var long = report
        long.files["records.jsonl"] = Array(repeating: UInt8(ascii: "x"), count: 20_000)
        let verdict = ReportVerifier.verify(ReportInPieces(report: long, length: length), signedBy: key)
        #expect(verdict.failure != nil)
    }

    private static let python = "/usr/bin/python3"

    /// The verdict of the verifier that was written from the page alone: whether its exit status is 0.
    private static func secondOpinion(_ folder: String) throws -> Bool {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-B", tests.appending(path: "Verifier/verify.py").path(), folder, "--key", key]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test(
        "A second verifier, written from the page alone, says the same",
        .enabled(if: FileManager.default.isExecutableFile(atPath: python))
    )
    func secondVerifier() throws {
        let world = try ReportWorld.small()
        let report = try world.report(bundles: [2])
        var cases = [report]
        for path in report.files.keys.sorted() {
            var flipped = report
            let middle = try #require(report.files[path]).count / 2
            flipped.files[path]?[middle] ^= 1
            cases.append(flipped)
            if path == "SUMMARY.txt" { continue }
            cases.append(try world.resigned(flipped))
        }
        var selection = ReportSelection.all
        selection.server = "github"
        cases.append(try world.report(selection) { $1 == 1 || $1 == 2 })
        cases.append(try world.report(selection) { $1 == 0 })
        cases.append(try world.report { $1 != 1 })

        for each in cases {
            let folder = FileManager.default.temporaryDirectory.appending(path: "report-\(RandomID())")
            defer { try? FileManager.default.removeItem(at: folder) }
            for (path, bytes) in each.files {
                let file = folder.appending(path: path)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try Data(bytes).write(to: file)
            }
            let verdict = world.verify(each)
            #expect(try Self.secondOpinion(folder.path(percentEncoded: false)) == verdict.isOK, "\(verdict)")
        }
        for name in ["whole", "stretch", "server", "user", "empty"] {
            #expect(try Self.secondOpinion(Self.folder(name)))
        }
    }
}

/// A report whose records come in pieces of a length.
private struct ReportInPieces: ReportSource {
    let report: ReportInMemory
    let length: Int

    func paths() -> [String] { report.paths() }

    func read(_ path: String, atMost limit: Int) throws(ReportFailure) -> [UInt8] {
        try report.read(path, atMost: limit)
    }

    func scan(
        _ path: String,
        _ body: (UnsafeBufferPointer<UInt8>) throws(ReportFailure) -> Void
    ) throws(ReportFailure) {
        try report.scan(path) { bytes throws(ReportFailure) in
            for start in stride(from: 0, to: bytes.count, by: length) {
                try body(UnsafeBufferPointer(rebasing: bytes[start..<min(start + length, bytes.count)]))
            }
        }
    }
}
