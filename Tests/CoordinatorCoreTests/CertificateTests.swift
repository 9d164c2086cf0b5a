import Contract
import Errors
import Foundation
import Logging
import NIOSSL
import ServiceKit
import SwiftASN1
import Testing
@_spi(FixedExpiryValidationTime) import X509

@testable import CoordinatorCore

@Suite("Certificates of the local CA")
struct CertificateTests {
    static let now = Date(timeIntervalSince1970: 1_796_000_000)
    static let day: Double = 86_400

    private func hosts(_ url: String) throws -> [TLSHost] { TLSHost.all(of: try ServerURL(url)) }

    private func certificate(_ issued: LocalAuthority.Issued) throws -> Certificate {
        try Certificate(pemEncoded: String(decoding: issued.certificate, as: UTF8.self))
    }

    private func isTrusted(_ leaf: Certificate, by authority: Certificate, as host: TLSHost, at time: Date) async
        -> Bool
    {
        var verifier = Verifier(rootCertificates: CertificateStore([authority])) {
            RFC5280Policy(fixedExpiryValidationTime: time)
            ServerIdentityPolicy(
                serverHostname: host.address == nil ? host.text : nil,
                serverIP: host.address == nil ? nil : host.text
            )
        }
        if case .validCertificate = await verifier.validate(leaf: leaf, intermediates: CertificateStore([])) {
            return true
        }
        return false
    }

    @Test(
        "A certificate is good for the host of the URL and for this machine, and for nothing else",
        arguments: [
            "https://doorward.example", "https://192.0.2.7:8443", "https://[2001:db8::1]:8443", "https://localhost:1",
        ]
    )
    func hosts(url: String) async throws {
        let hosts = try hosts(url)
        let authority = try LocalAuthority(hosts: hosts, now: Self.now)
        let leaf = try certificate(try authority.issue(hosts: hosts, now: Self.now))
        for host in hosts + [TLSHost("localhost"), TLSHost("127.0.0.1"), TLSHost("::1")] {
            #expect(await isTrusted(leaf, by: authority.certificate, as: host, at: Self.now), "\(host.text)")
        }
        for host in [TLSHost("evil.example"), TLSHost("192.0.2.8"), TLSHost("127.0.0.2")] {
            #expect(await !isTrusted(leaf, by: authority.certificate, as: host, at: Self.now), "\(host.text)")
        }
    }

    @Test("A thief of the CA's key cannot speak for other sites")
    func constraints() async throws {
        let authority = try LocalAuthority(hosts: try hosts("https://doorward.example"), now: Self.now)
        for other in ["bank.example", "192.0.2.8"] {
            let leaf = try certificate(try authority.issue(hosts: [TLSHost(other)], now: Self.now))
            #expect(await !isTrusted(leaf, by: authority.certificate, as: TLSHost(other), at: Self.now), "\(other)")
        }
    }

    @Test("A server's certificate ends, and never after its CA")
    func validity() async throws {
        let hosts = try hosts("https://doorward.example")
        let authority = try LocalAuthority(hosts: hosts, now: Self.now)
        let leaf = try certificate(try authority.issue(hosts: hosts, now: Self.now))
        let life = leaf.notValidAfter.timeIntervalSince(Self.now) / Self.day
        #expect((396.0...398.0).contains(life))
        #expect(
            await !isTrusted(
                leaf,
                by: authority.certificate,
                as: hosts[0],
                at: Self.now.addingTimeInterval(398 * Self.day)
            )
        )
        // A client whose clock is slow by half an hour takes it.
        #expect(await isTrusted(leaf, by: authority.certificate, as: hosts[0], at: Self.now.addingTimeInterval(-1800)))
        let late = try certificate(try authority.issue(hosts: hosts, now: Self.now.addingTimeInterval(3600 * Self.day)))
        #expect(late.notValidAfter <= authority.certificate.notValidAfter)
    }

    @Test("A certificate is made anew before it ends, for other hosts, and when it cannot be read")
    func renewal() throws {
        let hosts = try hosts("https://doorward.example")
        let pem = try LocalAuthority(hosts: hosts, now: Self.now).issue(hosts: hosts, now: Self.now).certificate
        func needs(_ days: Double, _ others: [TLSHost] = []) -> Bool {
            let then = Self.now.addingTimeInterval(days * Self.day)
            return LocalAuthority.needsRenewal(pem, hosts: hosts + others, now: then)
        }
        #expect(!needs(0) && !needs(200))
        #expect(needs(300) && needs(500) && needs(-1))
        #expect(needs(0, [TLSHost("new.example")]))
        #expect(LocalAuthority.needsRenewal([1, 2, 3], hosts: hosts, now: Self.now))
    }

    @Test("At the start a folder has a pair that fits, whatever happened to it")
    func starts() throws {
        let place = try Folder()
        let folder = DataFolder(place.file("data"))
        try folder.make()
        let url = try ServerURL("https://doorward.example")
        let der = try ServerCertificate.make(for: url, in: folder, now: Self.now)
        let setup = Setup(url: url, files: nil)
        #expect(try ServerCertificate.authority(setup, in: folder) == der)
        #expect(try place.mode("data/tls/ca.key") == 0o600)
        #expect(try place.mode("data/tls/server.key") == 0o600)

        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func start(_ days: Double) throws -> Bool {
            let before = try ServerCertificate.bytes(of: folder.certificate)
            _ = try ServerCertificate.configuration(
                setup,
                in: folder,
                now: Self.now.addingTimeInterval(days * Self.day),
                logger: logger
            )
            return try ServerCertificate.bytes(of: folder.certificate) != before
        }
        #expect(try !start(0))
        #expect(try start(300))
        #expect(try !start(300))
        // The program died between the two files.
        try DurableFile.write(try ServerCertificate.bytes(of: folder.authorityKey), to: folder.certificateKey)
        #expect(try start(300))
        #expect(try !start(300))
        // Clients go on trusting: the CA is the same.
        #expect(try ServerCertificate.authority(setup, in: folder) == der)
    }

    @Test("A pair that does not fit is refused")
    func mismatch() throws {
        let hosts = try hosts("https://doorward.example")
        let one = try LocalAuthority(hosts: hosts, now: Self.now)
        let two = try LocalAuthority(hosts: hosts, now: Self.now)
        let first = try one.issue(hosts: hosts, now: Self.now)
        let second = try two.issue(hosts: hosts, now: Self.now)
        _ = try ServerCertificate.configuration(certificate: first.certificate, key: first.key)
        let failure = CoordinatorError(.certificate, "", next: nil)
        #expect(throws: failure) {
            try ServerCertificate.configuration(certificate: first.certificate, key: second.key)
        }
        #expect(throws: failure) { try ServerCertificate.configuration(certificate: [], key: first.key) }
        #expect(throws: failure) { try LocalAuthority(certificate: try one.pem().certificate, key: try two.pem().key) }
    }

    @Test("TLS is 1.2 or later")
    func versions() throws {
        let hosts = try hosts("https://doorward.example")
        let issued = try LocalAuthority(hosts: hosts, now: Self.now).issue(hosts: hosts, now: Self.now)
        let configuration = try ServerCertificate.configuration(certificate: issued.certificate, key: issued.key)
        #expect(configuration.minimumTLSVersion == .tlsv12)
    }
}
