internal import Contract
internal import Errors
internal import Foundation
internal import HummingbirdTLS
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import ServiceKit

/// The certificate that the coordinator shows: its local CA's, or one that another program looks after.
enum ServerCertificate {
    private static let largest = 1 << 20

    /// Makes the CA and the first certificate of a coordinator, in its folder.
    ///
    /// - Returns: The CA's certificate, as enrolment tokens carry it (DER).
    static func make(for url: ServerURL, in folder: DataFolder, now: Date) throws -> [UInt8] {
        let hosts = TLSHost.all(of: url)
        let authority = try LocalAuthority(hosts: hosts, now: now)
        let own = try authority.pem()
        // Read by clients with `--ca`, so every user who may see the folder may see it.
        try DurableFile.write(own.certificate, to: folder.authority, mode: 0o644)
        try DurableFile.write(own.key, to: folder.authorityKey)
        try write(try authority.issue(hosts: hosts, now: now), to: folder)
        return try authority.der()
    }

    /// The CA's certificate, as enrolment tokens carry it (DER); nil for a certificate of another CA.
    static func authority(_ setup: Setup, in folder: DataFolder) throws -> [UInt8]? {
        guard setup.files == nil else { return nil }
        return try localAuthority(in: folder).der()
    }

    /// What TLS is served with; the local CA's certificate is made anew when it nears its end.
    static func configuration(_ setup: Setup, in folder: DataFolder, now: Date, logger: Logger) throws
        -> TLSConfiguration
    {
        if let files = setup.files {
            let certificate = try bytes(of: files.certificate)
            warn(ofEnd: certificate, at: files.certificate, now: now, logger: logger)
            return try configuration(certificate: certificate, key: try bytes(of: files.key))
        }
        warn(ofEnd: try bytes(of: folder.authority), at: folder.authority, now: now, logger: logger)
        let hosts = TLSHost.all(of: setup.url)
        if let configuration = usable(in: folder, hosts: hosts, now: now) { return configuration }
        let issued = try localAuthority(in: folder).issue(hosts: hosts, now: now)
        try write(issued, to: folder)
        logger.info("The server's certificate was made anew.")
        return try configuration(certificate: issued.certificate, key: issued.key)
    }

    /// What the folder has, unless it is damaged, nears its end, or is for other hosts.
    private static func usable(in folder: DataFolder, hosts: [TLSHost], now: Date) -> TLSConfiguration? {
        guard let certificate = try? bytes(of: folder.certificate), let key = try? bytes(of: folder.certificateKey),
            !LocalAuthority.needsRenewal(certificate, hosts: hosts, now: now)
        else { return nil }
        return try? configuration(certificate: certificate, key: key)
    }

    /// What TLS is served with; throws unless it can be, with this very pair.
    static func configuration(certificate: [UInt8], key: [UInt8]) throws -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(certificate)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            )
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            // Clients that keep a connection for later do not hear that it is closed, and would hold up the end.
            configuration.shutdownTimeout = .milliseconds(500)
            // Making the context is what compares key and certificate.
            _ = try NIOSSLContext(configuration: configuration)
            return configuration
        } catch {
            // The library's message can hold neither, but it does not help either.
            throw CoordinatorError(
                .certificate,
                "Certificate and key cannot be used: both must be PEM, and the key must be that of the first certificate.",
                next: "Give a certificate chain with --tls-cert and its key with --tls-key."
            )
        }
    }

    /// The content of a file that must be there.
    static func bytes(of path: String) throws -> [UInt8] {
        guard let bytes = try DurableFile.read(path, maxBytes: largest) else {
            throw CoordinatorError(
                .certificate,
                "There is no file \(path).",
                next: "Put the file back, or name another."
            )
        }
        return bytes
    }

    private static func localAuthority(in folder: DataFolder) throws -> LocalAuthority {
        let certificate = try bytes(of: folder.authority)
        let key = try bytes(of: folder.authorityKey)
        do {
            return try LocalAuthority(certificate: certificate, key: key)
        } catch {
            throw CoordinatorError(
                .folderDamaged,
                "\(folder.authority) and \(folder.authorityKey) are not as `init` made them.",
                next: "Restore the folder from a backup."
            )
        }
    }

    /// After a crash between the two they do not fit, and the next start makes both anew.
    private static func write(_ issued: LocalAuthority.Issued, to folder: DataFolder) throws {
        try DurableFile.write(issued.key, to: folder.certificateKey)
        try DurableFile.write(issued.certificate, to: folder.certificate, mode: 0o644)
    }

    private static func warn(ofEnd certificate: [UInt8], at path: String, now: Date, logger: Logger) {
        guard let end = LocalAuthority.end(of: certificate) else { return }
        let days = Int((end.timeIntervalSince(now) / 86_400).rounded(.down))
        guard days < 30 else { return }
        logger.warning("A certificate nears its end.", metadata: ["path": "\(path)", "days": .stringConvertible(days)])
    }
}
