internal import AuditLog
internal import AuditSink
internal import Contract
internal import Database
internal import Errors
internal import Foundation
internal import People
internal import Policy
package import ServiceKit
package import StrictJSON
internal import TransparencyLog

/// `doorward-coordinator init`: makes a coordinator in a folder of its own.
package struct CoordinatorInit: Sendable {
    /// What was asked for.
    package struct Options: Sendable {
        package var data: String
        package var url: String
        package var owner: String?
        package var certificate: String?
        package var key: String?

        package init(data: String, url: String, owner: String?, certificate: String?, key: String?) {
            self.data = data
            self.url = url
            self.owner = owner
            self.certificate = certificate
            self.key = key
        }
    }

    /// What was made.
    package struct Outcome: Sendable {
        package let url: String
        /// The certificate of the local CA, absolute; nil with a certificate of another CA.
        package let authorityFile: String?
        package let owner: String
        /// The owner's one-time token.
        package let token: String
        /// The fingerprint of the coordinator's key.
        package let key: String
        package let folder: String

        /// What `--json` prints.
        package var json: JSONValue {
            var object: JSONObject = ["url": .text(url)]
            object["ca_file"] = authorityFile.map { .text($0) }
            object["owner"] = .text(owner)
            object["token"] = .text(token)
            object["key"] = .text(key)
            return .object(object)
        }

        /// The same for people.
        package var words: [String] {
            [
                "The coordinator of \(url) is made in \(folder).",
                "Its key: \(key)",
                "Start it:  doorward-coordinator serve --data \(folder)",
                "Then \(owner) enrols a machine, within 24 hours:  doorward login \(url) --token-file FILE",
                "with this one-time token in FILE, which is not shown again:",
                token,
            ] + (authorityFile.map { ["For curl:  curl --cacert \($0) \(url)/healthz"] } ?? [])
        }
    }

    /// The release that makes it.
    package static let release = Release.version

    private let url: ServerURL
    private let owner: EmailAddress
    private let files: Setup.CertificateFiles?
    private let folder: DataFolder
    private let clock: MachineClock

    /// Reads what was asked for; throws a `CoordinatorError`, `usage`, for what cannot be.
    package init(_ options: Options, clock: MachineClock = .system) throws {
        url = try Setup.url(options.url)
        owner = try Self.owner(options.owner, url: url)
        switch (options.certificate, options.key) {
        case (let certificate?, let key?):
            files = Setup.CertificateFiles(certificate: DataFolder(certificate).path, key: DataFolder(key).path)
        case (nil, nil): files = nil
        default:
            throw CoordinatorError(
                .usage,
                "--tls-cert and --tls-key belong together.",
                next: "Give both, or neither for a local CA."
            )
        }
        folder = DataFolder(options.data)
        self.clock = clock
    }

    /// Makes the coordinator, or leaves nothing behind.
    package func run() async throws -> Outcome {
        if let files {
            _ = try ServerCertificate.configuration(
                certificate: try ServerCertificate.bytes(of: files.certificate),
                key: try ServerCertificate.bytes(of: files.key)
            )
        }
        try folder.make()
        do {
            return try await fill()
        } catch {
            folder.unmake()
            throw error
        }
    }

    private func fill() async throws -> Outcome {
        let now = Date(timeIntervalSince1970: Double(clock.wall()) / 1e6)
        let signing = SigningKey()
        try DurableFile.write(signing.seed, to: folder.signingKey)
        let authority = files == nil ? try ServerCertificate.make(for: url, in: folder, now: now) : nil

        let setup = Setup(url: url, files: files)
        let key = CoordinatorKey(signing: signing, names: setup.names)
        let database = try SQLDatabase(path: folder.database)
        let people = People(
            database: database,
            log: OrgLog(key: key),
            revisions: Revisions(changes: Signal()),
            clock: clock,
            authority: authority
        )
        let invitation = try await people.inviteOwner(owner)
        try database.close()
        // Last, and on the disk when it returns: from here on the folder holds a coordinator.
        try setup.write(to: folder)
        return Outcome(
            url: setup.shownURL,
            authorityFile: authority == nil ? nil : folder.authority,
            owner: owner.text,
            token: invitation.token.text,
            key: signing.publicKey.fingerprint,
            folder: folder.path
        )
    }

    private static func owner(_ text: String?, url: ServerURL) throws -> EmailAddress {
        guard let text else {
            // An IPv6 address is not a domain of an e-mail address.
            guard let owner = EmailAddress("owner@\(url.host)") ?? EmailAddress("owner@localhost") else {
                throw CoordinatorError(.usage, "The owner has no address.", next: "Give one with --owner EMAIL")
            }
            return owner
        }
        guard let owner = EmailAddress(text) else {
            throw CoordinatorError(
                .usage,
                "--owner is no e-mail address.",
                next: "Give one like --owner ann@example.com"
            )
        }
        return owner
    }
}
