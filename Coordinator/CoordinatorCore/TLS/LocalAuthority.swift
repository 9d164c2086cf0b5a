internal import Contract
internal import Crypto
internal import Errors
internal import Foundation
internal import ServiceKit
internal import SwiftASN1
internal import X509

/// The certificate authority that `init` makes for one coordinator and nothing else.
///
/// It may only sign for the names of this coordinator (name constraints), so a thief of its key gains no other site,
/// and a user who puts its certificate into a system's trust store risks none.
struct LocalAuthority {
    /// Machines keep it from their enrolment on, so it lives as long as they can be expected to.
    static let authorityDays = 3650
    /// Longer than any client refuses, short enough that a lost key ages.
    static let serverDays = 397
    /// A certificate with less than this left is made anew when the coordinator starts.
    static let renewalDays = 132

    let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// A certificate and its private key, both PEM.
    struct Issued {
        let certificate: [UInt8]
        let key: [UInt8]
    }

    /// A new authority for these hosts.
    init(hosts: [TLSHost], now: Date) throws {
        key = P256.Signing.PrivateKey()
        let name = try DistinguishedName {
            CommonName("Doorward local CA of \(hosts.first?.text ?? "localhost")")
        }
        let publicKey = Certificate.PublicKey(key.publicKey)
        certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-Self.skew),
            notValidAfter: now.addingTimeInterval(Double(Self.authorityDays) * 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
                Critical(TLSHost.constraints(hosts))
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
    }

    /// The authority that was written before.
    init(certificate: [UInt8], key: [UInt8]) throws {
        self.certificate = try Certificate(pemEncoded: String(decoding: certificate, as: UTF8.self))
        self.key = try P256.Signing.PrivateKey(pemRepresentation: String(decoding: key, as: UTF8.self))
        guard self.certificate.publicKey == Certificate.PublicKey(self.key.publicKey) else {
            throw CoordinatorError(.certificate, "The key is not that of the local CA.", next: nil)
        }
    }

    /// How long before now a certificate begins to hold, for clients whose clocks are slow.
    private static let skew: Double = 3600

    /// The certificate as enrolment tokens carry it.
    func der() throws -> [UInt8] { try certificate.serializeAsPEM().derBytes }

    /// What is written to disk.
    func pem() throws -> Issued {
        Issued(
            certificate: Array("\(try certificate.serializeAsPEM().pemString)\n".utf8),
            key: Array("\(key.pemRepresentation)\n".utf8)
        )
    }

    /// A certificate for a server at any of `hosts`, with a new key.
    func issue(hosts: [TLSHost], now: Date) throws -> Issued {
        let serverKey = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(serverKey.publicKey)
        // Never beyond the authority's own end.
        let end = min(now.addingTimeInterval(Double(Self.serverDays) * 86_400), certificate.notValidAfter)
        let server = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: max(now.addingTimeInterval(-Self.skew), certificate.notValidBefore),
            notValidAfter: end,
            issuer: certificate.subject,
            subject: try DistinguishedName { CommonName(hosts.first?.text ?? "localhost") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                SubjectAlternativeNames(hosts.map(\.generalName))
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        return Issued(
            certificate: Array("\(try server.serializeAsPEM().pemString)\n".utf8),
            key: Array("\(serverKey.pemRepresentation)\n".utf8)
        )
    }

    /// Whether a server's certificate has to be made anew: it is no longer, or not much longer, good for `hosts`.
    static func needsRenewal(_ pem: [UInt8], hosts: [TLSHost], now: Date) -> Bool {
        guard let certificate = try? Certificate(pemEncoded: String(decoding: pem, as: UTF8.self)),
            let names = try? certificate.extensions.subjectAlternativeNames
        else { return true }
        let isYoung = certificate.notValidAfter > now.addingTimeInterval(Double(renewalDays) * 86_400)
        return !isYoung || certificate.notValidBefore > now || !hosts.allSatisfy { names.contains($0.generalName) }
    }

    /// When a certificate ends; nil if it cannot be read.
    static func end(of pem: [UInt8]) -> Date? {
        let documents = try? PEMDocument.parseMultiple(pemString: String(decoding: pem, as: UTF8.self))
        return documents?.first.flatMap { try? Certificate(pemDocument: $0) }?.notValidAfter
    }
}
