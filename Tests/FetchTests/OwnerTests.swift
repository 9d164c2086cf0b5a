import Addresses
import Fetch
import Foundation
import Kits
import Testing

@Suite(
    "Whose program on this machine is fetched from",
    .enabled(if: geteuid() == 0, "needs root, to listen as another user")
)
struct OwnerTests {
    private func error(_ url: String, _ rule: AddressRule, resolving: [String] = []) async -> FetchError? {
        let request = FetchRequest("POST", url, body: Array("secret".utf8), addresses: rule)
        do {
            _ = try await Fetcher(proxies: .none, resolving: resolving).fetch(request)
            return nil
        } catch {
            return error as? FetchError
        }
    }

    @Test("Another user's program gets not even a connection, by address and by name, with and without TLS")
    func stranger() async throws {
        let server = try RawServer(owner: 65534) { _ in .http() }
        for url in [
            server.origin, "https://127.0.0.1:\(server.port)/token", "http://localhost:\(server.port)/token",
            "https://idp.example:\(server.port)/token",
        ] {
            let error = await error(url, .loopbackToo, resolving: ["idp.example:\(server.port):127.0.0.1"])
            #expect(error?.kind == .foreignServer, "\(url)")
            #expect(error?.sent == .no)
            #expect(error?.message.contains("user id 65534") == true)
        }
        #expect(server.connections == 0)
        #expect(server.requests.isEmpty)
    }

    @Test("What this user runs, and what an entry lets another user run, is fetched from")
    func admitted() async throws {
        let stranger = try RawServer(owner: 65534) { _ in .http() }
        let own = try RawServer { _ in .http() }
        #expect(await error(stranger.origin, .anyLoopbackToo) == nil)
        #expect(await error(own.origin, .loopbackToo) == nil)
        #expect(stranger.requests.count == 1)
    }
}
