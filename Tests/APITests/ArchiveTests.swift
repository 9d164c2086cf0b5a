import Foundation
import Testing

@testable import API

@Suite("Archives")
struct ArchiveTests {
    static let sizes = [0, 1, 511, 512, 513, 65_535, 65_536, 200_000]

    @Test(
        "tar and gzip read what is written, whatever the sizes and however it is cut",
        arguments: [1000, 65_536, 1 << 20]
    )
    func roundTrip(piece: Int) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "archive-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }

        var archive: [UInt8] = []
        var expected: [String: [UInt8]] = [:]
        for size in Self.sizes {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
            let name = "report/part-\(size).bin"
            expected[name] = bytes
            archive += try #require(TarHeader.file(name, size: size, modified: 1_700_000_000))
            archive += bytes + TarHeader.padding(after: size)
        }
        archive += TarHeader.end
        var frame = GzipFrame()
        var output = GzipFrame.start
        for start in stride(from: 0, to: archive.count, by: piece) {
            output += frame.frame(archive[start..<min(start + piece, archive.count)])
        }
        output += frame.end()

        let file = folder.appending(path: "a.tar.gz")
        try Data(output).write(to: file)
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/tar")
        tar.arguments = ["-xzf", file.path, "-C", folder.path]
        try tar.run()
        tar.waitUntilExit()
        #expect(tar.terminationStatus == 0)
        for (name, bytes) in expected {
            #expect(try [UInt8](Data(contentsOf: folder.appending(path: name))) == bytes)
        }
    }

    @Test("What the format cannot hold is refused")
    func limits() {
        #expect(TarHeader.file("", size: 0, modified: 0) == nil)
        #expect(TarHeader.file(String(repeating: "a", count: 101), size: 0, modified: 0) == nil)
        #expect(TarHeader.file("a", size: 1 << 33, modified: 0) == nil)
        #expect(TarHeader.file(String(repeating: "a", count: 100), size: 1 << 33 - 1, modified: -1) != nil)
    }
}
