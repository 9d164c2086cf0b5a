import Contract
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Testing

@testable import CoordinatorCore

@Suite("Serving")
struct ServeTests {
    private func server(
        _ data: String,
        listen: String? = nil,
        isInsecure: Bool = false,
        metrics: String? = nil
    ) throws -> CoordinatorServer {
        try CoordinatorServer(.init(data: data, listen: listen, isInsecure: isInsecure, metricsListen: metrics))
    }

    @Test(
        "Plain HTTP and open metrics are for this machine alone",
        arguments: [
            "0.0.0.0:8443", "[::]:8443", "192.0.2.1:8443", "doorward.example:8443", "127.0.0.1.example:8443",
            "10.0.0.1:0",
        ]
    )
    func insecure(listen: String) async throws {
        let place = try Folder()
        let data = place.file("a")
        _ = try await CoordinatorInit(
            .init(data: data, url: "https://doorward.example", owner: nil, certificate: nil, key: nil)
        ).run()
        let usage = CoordinatorError(.usage, "", next: nil)
        #expect(throws: usage) { try server(data, listen: listen, isInsecure: true) }
        #expect(throws: usage) { try server(data, metrics: listen) }
        // Without a word it would listen where people reach it.
        #expect(throws: usage) { try server(data, isInsecure: true) }
        for loopback in ["127.0.0.1:0", "[::1]:0", "localhost:0", "127.1.2.3:0"] {
            _ = try server(data, listen: loopback, isInsecure: true, metrics: loopback)
        }
    }

    @Test("Plain HTTP needs no address where people reach the coordinator on this machine")
    func insecureByDefault() async throws {
        let place = try Folder()
        let data = place.file("a")
        let url = "https://127.0.0.1:8443"
        _ = try await CoordinatorInit(.init(data: data, url: url, owner: nil, certificate: nil, key: nil)).run()
        _ = try server(data, isInsecure: true)
    }

    @Test(
        "An address is a host and a port",
        arguments: [
            "", ":", ":1", "a", "a:", "a:b", "a:-1", "a:65536", "a:01", "::1:80", "[::1]", "[::1]80", "[a]:1",
            "[127.0.0.1]:1",
        ]
    )
    func addresses(text: String) {
        #expect(throws: CoordinatorError(.usage, "", next: nil)) { try ListenAddress(text, option: "--listen") }
    }

    @Test("Without an address it listens where people reach it")
    func usual() throws {
        #expect(ListenAddress(try ServerURL("https://doorward.example")).text() == "doorward.example:443")
        #expect(ListenAddress(try ServerURL("https://[::1]:8443")).text() == "[::1]:8443")
        #expect(try ListenAddress("[::1]:0", option: "--listen").text(port: 7) == "[::1]:7")
    }

    @Test("A folder without a coordinator is a clear error")
    func nothing() throws {
        let place = try Folder()
        #expect(throws: CoordinatorError(.noCoordinator, "", next: nil)) { try server(place.path) }
        let end = CommandEnd(CoordinatorError(.noCoordinator, "No.", next: "init"))
        #expect(end.status == 1)
        #expect(end.json == ["error": ["code": "no_coordinator", "message": "No.", "next": "init"]])
        #expect(CommandEnd(CoordinatorError(.usage, "No.", next: nil)).status == 2)
    }
}

@Suite("Sizes on the command line")
struct ByteSizeTests {
    private func read(_ text: String) throws -> Int? {
        try ByteSize.read(text, option: "--keep-free", in: (24 << 20)...(1 << 50))
    }

    @Test("A size is a number with a unit")
    func sizes() throws {
        #expect(try read("24M") == 24 << 20)
        #expect(try read("2G") == 2 << 30)
        #expect(try read("1024T") == 1 << 50)
        #expect(try ByteSize.read(nil, option: "--keep-free", in: 1...2) == nil)
    }

    @Test(
        "Anything else, and what is out of its range, is bad usage that names the option",
        arguments: ["", "M", "24", "24MB", "24m", "-1G", "1.5G", "23M", "1025T", "9999999999G", "٣G", "1 G"]
    )
    func refused(text: String) {
        let error = #expect(throws: CoordinatorError.self) { try read(text) }
        #expect(error?.kind == .usage)
        #expect(error?.message.contains("--keep-free") == true)
    }
}
