import Addresses
import Fetch
import Foundation
import Kits
import Testing

@Suite("Answers that go into a file")
struct FileTests {
    private let fetcher = Fetcher(proxies: .none)

    private func file() -> FileHandle {
        let path = FileManager.default.temporaryDirectory.appending(path: "fetch-\(UUID().uuidString)").path
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        unlink(path)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private func request(_ server: RawServer, _ file: FileHandle, maxBytes: Int = 1 << 20) -> FetchRequest {
        var request = FetchRequest("GET", server.origin, maxBytes: maxBytes, addresses: .loopbackToo)
        request.file = file.fileDescriptor
        return request
    }

    private func content(_ file: FileHandle) throws -> String {
        try file.seek(toOffset: 0)
        return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    }

    @Test("A good answer goes there, and nothing of it stays in memory")
    func good() async throws {
        let text = String(repeating: "abc\n", count: 50_000)
        let server = try RawServer { _ in .http(200, [], body: text) }
        let file = file()
        let answer = try await fetcher.fetch(request(server, file))
        #expect(answer.status == 200 && answer.body.isEmpty)
        #expect(try content(file) == text)
    }

    @Test("A refusal is an answer as without a file", arguments: [302, 401, 500])
    func refusal(status: Int) async throws {
        let server = try RawServer { _ in .http(status, [], body: "no") }
        let file = file()
        let answer = try await fetcher.fetch(request(server, file))
        #expect(answer.status == status && answer.body == Array("no".utf8))
        #expect(try content(file).isEmpty)
    }

    @Test("A file that takes nothing more ends the transfer, with the reason")
    func full() async throws {
        let server = try RawServer { _ in .http(200, [], body: "text") }
        let file = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        do {
            _ = try await fetcher.fetch(request(server, file))
            Issue.record("it was written")
        } catch let error as FetchError {
            #expect(error.kind == .unwritable)
            #expect(error.message.contains("No space left"))
        }
    }

    @Test("An answer that is too long is refused here too")
    func long() async throws {
        let server = try RawServer { _ in .http(200, [], body: "0123456789") }
        await #expect(throws: FetchError(.tooLarge, "", next: "")) {
            try await fetcher.fetch(request(server, file(), maxBytes: 9))
        }
    }
}
