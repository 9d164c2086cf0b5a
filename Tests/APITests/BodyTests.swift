import Contract
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import API

@Suite("Bodies")
struct BodyTests {
    private func request(_ body: Int, headers: HTTPFields) -> Request {
        let head = HTTPRequest(
            method: .post,
            scheme: "https",
            authority: "office.example",
            path: "/",
            headerFields: headers
        )
        return Request(head: head, body: RequestBody(buffer: ByteBuffer(repeating: 0x20, count: body)))
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? Problem)?.code ?? "\(error)"
        }
    }

    @Test("Bodies count together as they arrive and until they are done with; what has none counts nothing")
    func together() async throws {
        let reader = BodyReader(most: 8)
        let bare = request(0, headers: [:])
        let full = request(8, headers: [.contentLength: "8"])
        let one = request(1, headers: [.transferEncoding: "chunked"])
        // A long poll rests within the first of them.
        try await reader.read(bare, atMost: Operation.usualBody) { body in
            #expect(body.isEmpty)
            try await reader.read(full, atMost: 8) { body in
                #expect(body.count == 8)
                let refused = await code { try await reader.read(one, atMost: 8) { _ in } }
                #expect(refused == "busy")
                try await reader.read(bare, atMost: 8) { _ in }
            }
            try await reader.read(request(8, headers: [.contentLength: "8"]), atMost: 8) { _ in }
        }
    }

    @Test(
        "A body in a coding is not taken for what it would be without",
        arguments: ["gzip", "br", "identity, gzip", ""]
    )
    func coded(coding: String) async throws {
        let reader = BodyReader(most: 8)
        func code(_ coding: String) async -> String? {
            let coded = request(8, headers: [.contentLength: "8", .contentEncoding: coding])
            return await self.code { try await reader.read(coded, atMost: 8) { _ in } }
        }
        #expect(await code(coding) == "unsupported_coding")
        #expect(await code("Identity") == nil)
    }

    @Test("What is announced and does not come takes nothing away from others")
    func announced() async throws {
        let reader = BodyReader(most: 8)
        for _ in 0..<100 {
            let broken = await code {
                try await reader.read(request(1, headers: [.contentLength: "8"]), atMost: 8) { _ in }
            }
            #expect(broken == "broken_body")
        }
        try await reader.read(request(8, headers: [.contentLength: "8"]), atMost: 8) { _ in }
    }

    static let announcements: [HTTPFields] = [[.contentLength: "1"], [.transferEncoding: "chunked"]]

    @Test("What takes no body refuses one", arguments: announcements)
    func none(headers: HTTPFields) async {
        let refused = await code { try await BodyReader().read(request(1, headers: headers), atMost: 0) { _ in } }
        #expect(refused == "too_large")
    }

    @Test("Whatever looks or takes away has no body, for strangers above all")
    func operations() throws {
        let office = try Office()
        for operation in office.operations where ["GET", "DELETE"].contains(operation.method) {
            #expect(operation.largestBody == 0, "\(operation.name)")
        }
    }
}
