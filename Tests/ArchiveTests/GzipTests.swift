import Archive
import Foundation
import Testing

@Suite("Gzip")
struct GzipTests {
    static let sizes = [0, 1, 511, 65_535, 65_536, 65_537, 300_000]

    /// Bytes that compress, and in between some that do not.
    static func bytes(_ count: Int) -> [UInt8] {
        var state: UInt64 = 7
        return (0..<count).map { index in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return index / 1000 % 2 == 0 ? UInt8(truncatingIfNeeded: index / 7) : UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    static func written(_ bytes: [UInt8], piece: Int, _ effort: GzipWriter.Effort = .least) -> [UInt8] {
        let writer = GzipWriter(effort)
        var output: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            writer.write(bytes[start..<min(start + piece, bytes.count)], to: &output)
        }
        writer.finish(to: &output)
        return output
    }

    static func read(_ stream: [UInt8], piece: Int = 1000) throws -> [UInt8] {
        let reader = GzipReader()
        var output: [UInt8] = []
        for start in stride(from: 0, to: stream.count, by: piece) {
            try stream[start..<min(start + piece, stream.count)].withUnsafeBufferPointer { bytes in
                try reader.read(bytes) { output += $0 }
            }
        }
        try reader.finish()
        return output
    }

    /// What `gzip` makes of standard input.
    static func gzip(_ arguments: [String], _ input: [UInt8]) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appending(path: "gzip-\(UUID().uuidString)")
        try Data(input).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/gzip")
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return [UInt8](output)
    }

    @Test("Another program reads what is written, however it is cut", arguments: sizes)
    func otherReader(size: Int) throws {
        let bytes = Self.bytes(size)
        for piece in [977, 65_536, 1 << 20] {
            #expect(try Self.gzip(["-dc"], Self.written(bytes, piece: piece)) == bytes)
        }
    }

    @Test("What another program writes is read, however it is cut", arguments: sizes)
    func otherWriter(size: Int) throws {
        let bytes = Self.bytes(size)
        for effort in ["-1", "-9"] {
            let stream = try Self.gzip([effort, "-c"], bytes)
            for piece in [1, 4096, 1 << 20] { #expect(try Self.read(stream, piece: piece) == bytes) }
        }
    }

    @Test("It gets smaller, and with the usual effort smaller still")
    func effort() throws {
        let bytes = [UInt8](String(repeating: "{\"kind\":\"call.begin\",\"srv\":\"files\"}\n", count: 10_000).utf8)
        let (least, usual) = (Self.written(bytes, piece: 5000), Self.written(bytes, piece: 5000, .usual))
        #expect(usual.count < least.count && least.count < bytes.count / 20)
        #expect(try Self.read(usual) == bytes)
    }

    @Test("A header with a name and a comment, stored blocks, and streams one behind the other are read")
    func forms() throws {
        let text = Array("hello".utf8)
        // RFC 1952 section 2.3: the flags for name and comment; RFC 1951 section 3.2.4: one stored block.
        let start: [UInt8] = [0x1F, 0x8B, 8, 0x18, 0, 0, 0, 0, 0, 3] + Array("a.txt\0a comment\0".utf8)
        let checksum: [UInt8] = [0x86, 0xA6, 0x10, 0x36]
        let stored = start + [1, 5, 0, 0xFA, 0xFF] + text + checksum + [5, 0, 0, 0]
        #expect(try Self.read(stored) == text)
        let second = Self.written(Self.bytes(70_000), piece: 70_000)
        for piece in [1, 64, 100_000] {
            #expect(try Self.read(stored + second, piece: piece) == text + Self.bytes(70_000))
        }
    }

    @Test("What is cut short, changed or followed by something else is refused")
    func damaged() throws {
        let stream = Self.written(Self.bytes(3000), piece: 3000)
        for count in 0..<stream.count {
            #expect(throws: GzipError.truncated) { try Self.read(Array(stream.prefix(count))) }
        }
        let bytes = Self.bytes(3000)
        var refused = 0
        for place in stream.indices {
            for bit in 0..<8 {
                var changed = stream
                changed[place] ^= 1 << bit
                // The time, the system and the bits that fill the last byte say nothing about the content.
                if let read = try? Self.read(changed) { #expect(read == bytes, "\(place)") } else { refused += 1 }
            }
        }
        #expect(refused >= 8 * (stream.count - 10))
        #expect(throws: GzipError.damaged) { try Self.read(stream + [0, 1, 2, 3]) }
        #expect(throws: GzipError.damaged) { try Self.read(Array("this is no gzip".utf8)) }
        #expect(throws: GzipError.truncated) { try Self.read([]) }
    }
}
