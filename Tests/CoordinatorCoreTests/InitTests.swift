import AuditLog
import AuditSink
import Contract
import Errors
import Foundation
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import CoordinatorCore

@Suite("Making a coordinator")
struct InitTests {
    private func options(_ data: String, url: String = "https://doorward.example:8443", owner: String? = nil)
        -> CoordinatorInit.Options
    {
        CoordinatorInit.Options(data: data, url: url, owner: owner, certificate: nil, key: nil)
    }

    @Test("The folder is the owner's alone, and the token leads back to the key and the CA")
    func made() async throws {
        let place = try Folder()
        let made = try await CoordinatorInit(options(place.file("a/b/"))).run()
        #expect(made.url == "https://doorward.example:8443")
        #expect(made.owner == "owner@doorward.example")
        #expect(made.authorityFile == place.file("a/b/tls/ca.pem"))
        for (name, mode) in [
            ("a/b", 0o700), ("a/b/tls", 0o700), ("a/b/signing.key", 0o600), ("a/b/coordinator.json", 0o600),
            ("a/b/tls/ca.key", 0o600), ("a/b/tls/server.key", 0o600),
        ] {
            #expect(try place.mode(name) == mode, "\(name)")
        }
        let token = try #require(EnrolmentToken(made.token))
        #expect(token.keyFingerprint == made.key)
        let folder = DataFolder(place.file("a/b"))
        let setup = try Setup.read(from: folder)
        #expect(token.authority == (try ServerCertificate.authority(setup, in: folder)))
        #expect(try setup.key(in: folder).publicKey.fingerprint == made.key)
        #expect(setup.names.audit == "doorward.example:8443/audit")
        #expect(Set(made.json.object?.names.map(\.string) ?? []) == ["url", "ca_file", "owner", "token", "key"])
        #expect(made.words.contains(made.token))
    }

    @Test("The folder has one name, without . and .., and what is above a link is above where it leads")
    func names() throws {
        let place = try Folder()
        try FileManager.default.createDirectory(atPath: place.file("a/b"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: place.file("link"), withDestinationPath: place.file("a/b"))
        for (name, wanted) in [
            ("a/b", "a/b"), ("./a/./b/.", "a/b"), ("a//b///", "a/b"), ("a/b/../c", "a/c"), ("link/../c", "a/c"),
            ("new/../c", "c"), ("link", "link"),
        ] {
            #expect(DataFolder(place.file(name)).path == place.file(wanted), "\(name)")
        }
        for (path, wanted) in [("/", "/"), ("/..", "/"), ("//tmp/", "/tmp"), ("/.", "/")] {
            #expect(DataFolder(path).path == wanted)
        }
    }

    @Test("A folder that holds a coordinator, or anything, is refused and stays as it is")
    func taken() async throws {
        let place = try Folder()
        _ = try await CoordinatorInit(options(place.file("a"))).run()
        let before = try Data(contentsOf: URL(filePath: place.file("a/signing.key")))
        let failure = CoordinatorError(.folderTaken, "", next: nil)
        await #expect(throws: failure) { try await CoordinatorInit(options(place.file("a"))).run() }
        #expect(try Data(contentsOf: URL(filePath: place.file("a/signing.key"))) == before)

        try FileManager.default.createDirectory(atPath: place.file("b"), withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(filePath: place.file("b/letter")))
        await #expect(throws: failure) { try await CoordinatorInit(options(place.file("b"))).run() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.file("b")) == ["letter"])
    }

    @Test("An empty folder that was open to others is closed")
    func empty() async throws {
        let place = try Folder()
        try FileManager.default.createDirectory(
            atPath: place.file("a"),
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755]
        )
        _ = try await CoordinatorInit(options(place.file("a"))).run()
        #expect(try place.mode("a") == 0o700)
    }

    @Test(
        "What cannot be is bad usage, before anything is made",
        arguments: [
            ("http://doorward.example", nil), ("https://doorward.example/path", nil),
            ("https://doorward.example/?a", nil),
            ("https://u:p@doorward.example", nil), ("doorward.example", nil), ("", nil), ("https://", nil),
            ("https://doorward.example", "nobody"), ("https://doorward.example", "a@b@c"),
            ("https://doorward.example:0", nil),
        ] as [(String, String?)]
    )
    func usage(url: String, owner: String?) throws {
        let place = try Folder()
        #expect(throws: CoordinatorError(.usage, "", next: nil)) {
            try CoordinatorInit(options(place.file("a"), url: url, owner: owner))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).isEmpty)
    }

    @Test("A foreign certificate is tried before anything is made, and then served from where it is")
    func ownCertificate() async throws {
        let place = try Folder()
        let hosts = TLSHost.all(of: try ServerURL("https://doorward.example"))
        let issued = try LocalAuthority(hosts: hosts, now: Date()).issue(hosts: hosts, now: Date())
        try DurableFile.write(issued.certificate, to: place.file("cert.pem"))
        try DurableFile.write([1, 2, 3], to: place.file("key.pem"))
        var options = options(place.file("a"), url: "https://doorward.example")
        options.certificate = place.file("cert.pem")
        #expect(throws: CoordinatorError(.usage, "", next: nil)) { try CoordinatorInit(options) }
        options.key = place.file("key.pem")
        let make = try CoordinatorInit(options)
        await #expect(throws: CoordinatorError(.certificate, "", next: nil)) { try await make.run() }
        #expect(!FileManager.default.fileExists(atPath: place.file("a")))

        try DurableFile.write(issued.key, to: place.file("key.pem"))
        let made = try await make.run()
        #expect(made.authorityFile == nil)
        #expect(EnrolmentToken(made.token)?.authority == nil)
        #expect(made.json["ca_file"] == nil)
        let setup = try Setup.read(from: DataFolder(place.file("a")))
        #expect(setup.files == .init(certificate: place.file("cert.pem"), key: place.file("key.pem")))
        #expect(setup.names.audit == "doorward.example/audit")
    }

    @Test("A coordinator of IPv6 has an owner and a name too")
    func addresses() async throws {
        let place = try Folder()
        let made = try await CoordinatorInit(options(place.file("a"), url: "https://[::1]:8443")).run()
        #expect(made.owner == "owner@localhost")
        #expect(try Setup.read(from: DataFolder(place.file("a"))).names.audit == "[::1]:8443/audit")
    }

    @Test("One process at a time has a folder")
    func lock() throws {
        let place = try Folder()
        let folder = DataFolder(place.file("a"))
        try folder.make()
        let lock = try folder.lock()
        defer { lock.release() }
        #expect(throws: CoordinatorError(.running, "", next: nil)) { try DataFolder(place.file("a")).lock() }
    }

    @Test(
        "A setting that was damaged is refused by name",
        arguments: [
            "", "{}", "{\"v\":2,\"url\":\"https://a\"}", "{\"v\":1,\"url\":\"http://a\"}",
            "{\"v\":1,\"url\":\"https://a\",\"x\":1}",
            "{\"v\":1,\"url\":\"https://a\",\"tls_cert\":\"/c\"}",
        ]
    )
    func damaged(text: String) throws {
        let place = try Folder()
        let folder = DataFolder(place.path)
        try DurableFile.write(Array(text.utf8), to: folder.setup)
        let error = #expect(throws: CoordinatorError.self) { try Setup.read(from: folder) }
        #expect(error?.kind == .folderDamaged)
        #expect(error?.next != nil)
    }
}
