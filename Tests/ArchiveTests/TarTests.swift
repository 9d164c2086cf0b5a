import Archive
import Foundation
import Testing

@Suite("Tar")
struct TarTests {
    static func archive(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        try files.reduce(into: []) { archive, file in
            archive += try #require(TarHeader.file(file.0, size: file.1.count, modified: 1_700_000_000))
            archive += file.1 + TarHeader.padding(after: file.1.count)
        } + TarHeader.end
    }

    /// The files of an archive that is read in pieces of this length.
    static func read(_ archive: [UInt8], piece: Int) throws -> [(String, [UInt8])] {
        var reader = TarReader()
        var files: [(String, [UInt8])] = []
        var isWhole = true
        for start in stride(from: 0, to: archive.count, by: piece) {
            try archive[start..<min(start + piece, archive.count)].withUnsafeBufferPointer { bytes in
                try reader.read(bytes) { part in
                    switch part {
                    case .file(let path, let size):
                        #expect(isWhole)
                        files.append((path, []))
                        isWhole = false
                        files[files.count - 1].1.reserveCapacity(size)
                    case .bytes(let bytes): files[files.count - 1].1 += bytes
                    case .end: isWhole = true
                    }
                }
            }
        }
        try reader.finish()
        return files
    }

    @Test("tar reads what is written, whatever the sizes")
    func roundTrip() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "archive-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }

        let files = [0, 1, 511, 512, 513, 65_535, 65_536, 200_000].map { size in
            ("report/part-\(size).bin", (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) })
        }
        let archive = try Self.archive(files)
        let file = folder.appending(path: "a.tar")
        try Data(archive).write(to: file)
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/tar")
        tar.arguments = ["-xf", file.path, "-C", folder.path]
        try tar.run()
        tar.waitUntilExit()
        #expect(tar.terminationStatus == 0)
        for (name, bytes) in files {
            #expect(try [UInt8](Data(contentsOf: folder.appending(path: name))) == bytes)
        }
        for piece in [1, 511, 512, 513, 1 << 20] {
            let read = try Self.read(archive, piece: piece)
            #expect(read.map(\.0) == files.map(\.0) && read.map(\.1) == files.map(\.1))
        }
    }

    @Test("What the format cannot hold is refused")
    func limits() {
        #expect(TarHeader.file("", size: 0, modified: 0) == nil)
        #expect(TarHeader.file(String(repeating: "a", count: 101), size: 0, modified: 0) == nil)
        #expect(TarHeader.file("a", size: 1 << 33, modified: 0) == nil)
        #expect(TarHeader.file(String(repeating: "a", count: 100), size: 1 << 33 - 1, modified: -1) != nil)
    }

    @Test("What another program writes is read, with its folders")
    func otherWriter() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "archive-\(UUID().uuidString)")
        let inner = folder.appending(path: "report/keys")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("hello".utf8).write(to: inner.appending(path: "a.json"))
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/tar")
        tar.arguments = ["--format=ustar", "-cf", folder.appending(path: "a.tar").path, "-C", folder.path, "report"]
        try tar.run()
        tar.waitUntilExit()
        let read = try Self.read([UInt8](Data(contentsOf: folder.appending(path: "a.tar"))), piece: 1000)
        #expect(read.map(\.0) == ["report/keys/a.json"] && read.map(\.1) == [Array("hello".utf8)])
    }

    @Test(
        "A path that leads elsewhere is refused",
        arguments: [
            "/etc/passwd", "../a", "report/../../a", "a//b", "a/./b", "a/", "a b", "a\u{1B}[31m", "a/b/c/d/e/f/g/h/i",
        ]
    )
    func paths(path: String) throws {
        let archive = try Self.archive([("report/good", [1]), (path, [2])])
        #expect(throws: TarReader.Malformed.self) { try Self.read(archive, piece: 512) }
    }

    @Test("Links, devices, bad sizes and what is cut short are refused")
    func malformed() throws {
        let good = try Self.archive([("a", [1, 2, 3])])
        for kind in "123467xgLK".utf8 {
            var archive = good
            archive[156] = kind
            #expect(throws: TarReader.Malformed.self, "\(kind)") { try Self.read(archive, piece: 512) }
        }
        for size in ["-1", "9", "", "77777777777", "x"] {
            var archive = good
            archive.replaceSubrange(
                124..<136,
                with: Array(size.utf8) + [UInt8](repeating: 0, count: 12 - size.utf8.count)
            )
            #expect(throws: TarReader.Malformed.self, "\(size)") { try Self.read(archive, piece: 512) }
        }
        for count in [0, 1, 511, 512, 513, 1023] {
            #expect(throws: TarReader.Malformed.self) { try Self.read(Array(good.prefix(count)), piece: 100) }
        }
    }
}
