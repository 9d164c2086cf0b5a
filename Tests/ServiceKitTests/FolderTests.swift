import Foundation
import Testing

@testable import ServiceKit

@Suite("Folders and locks")
struct FolderTests {
    private let place = FileManager.default.temporaryDirectory.appendingPathComponent("folders-\(UUID().uuidString)")
        .path

    private func mode(_ path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test("A folder is made with those above it, each for its user alone, and what is there stays as it is")
    func made() {
        defer { try? FileManager.default.removeItem(atPath: place) }
        #expect(PrivateFolder.make("\(place)/a/b") == 0)
        #expect(mode(place) == 0o700 && mode("\(place)/a/b") == 0o700)
        #expect(chmod(place, 0o750) == 0)
        #expect(PrivateFolder.make("\(place)/a/b/") == 0)
        #expect(PrivateFolder.make("\(place)/a//c") == 0)
        #expect(mode(place) == 0o750)
    }

    @Test("A file in the way is an error, at the end and above it, and so is a link to nowhere")
    func inTheWay() throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        #expect(PrivateFolder.make(place) == 0)
        try Data().write(to: URL(fileURLWithPath: "\(place)/file"))
        #expect(symlink("\(place)/nowhere", "\(place)/link") == 0)
        #expect(PrivateFolder.make("\(place)/file") == ENOTDIR)
        #expect(PrivateFolder.make("\(place)/file/under") == ENOTDIR)
        #expect(PrivateFolder.make("\(place)/link") == ENOTDIR)
        #expect(PrivateFolder.make("\(place)/link/under") != 0)
    }

    @Test("One has the lock at a time, and the next one once it was released or is gone")
    func lock() throws {
        defer { try? FileManager.default.removeItem(atPath: place) }
        #expect(PrivateFolder.make(place) == 0)
        let first = try FileLock("\(place)/lock")
        #expect(throws: FileLock.Refusal.taken) { try FileLock("\(place)/lock") }
        first.release()
        first.release()
        do { _ = try FileLock("\(place)/lock") }
        _ = try FileLock("\(place)/lock", waits: true)
        #expect(mode("\(place)/lock") == 0o600)
    }

    @Test("A lock follows no link and makes no folder")
    func refusedLocks() {
        defer { try? FileManager.default.removeItem(atPath: place) }
        #expect(throws: FileLock.Refusal.failed(ENOENT)) { try FileLock("\(place)/lock") }
        #expect(PrivateFolder.make(place) == 0)
        #expect(symlink("\(place)/target", "\(place)/lock") == 0)
        #expect(throws: FileLock.Refusal.failed(ELOOP)) { try FileLock("\(place)/lock") }
        #expect(mode("\(place)/target") == nil)
    }

    @Test("Bytes that a pipe does not take at once are written when it takes them")
    func fullPipe() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        #expect(fcntl(writing, F_SETFL, O_NONBLOCK) == 0)
        let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let reader = Thread {
            var seen: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 10_000)
            while case let count = read(reading, &chunk, chunk.count), count > 0 { seen += chunk[..<count] }
            #expect(seen == bytes)
            close(reading)
        }
        reader.start()
        #expect(bytes.withUnsafeBytes { Descriptor.write($0, to: writing) } == 0)
        close(writing)
        while !reader.isFinished { usleep(100) }
        #expect([1].withUnsafeBytes { Descriptor.write($0, to: writing) } == EBADF)
    }
}
