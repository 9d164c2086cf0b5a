internal import Errors
internal import Rights
internal import ServiceKit
internal import SignIn
internal import StrictJSON

/// `serve --oidc-...`: the identity provider of the organisation, as it stands on the command line.
package struct ProviderOptions: Sendable {
    package var issuer: String?
    package var clientID: String?
    package var clientSecretFile: String?
    /// `GROUP=ROLE` each.
    package var roles: [String] = []
    package var groupsClaim: String?
    /// What is asked for beside `openid email profile`.
    package var scopes: [String] = []
    package var allowsLoopback = false
    package var invitedOnly = false
    package var trustsAddresses = false
    /// Certificates that are trusted for it in place of the system's (PEM).
    package var authorityFile: String?
    /// Hours after which people sign in again.
    package var longestAbsence: Int?
    /// Seconds after which the provider is asked about a person again.
    package var question: Int?

    /// No provider.
    package init() {}

    /// The provider that these options describe; nil where there is none.
    ///
    /// - Throws: `CoordinatorError`, `usage`, for what does not belong together or cannot be.
    func settings() throws -> ProviderSettings? {
        guard let issuer, let clientID else {
            guard isEmpty else {
                throw CoordinatorError(
                    .usage,
                    "The other --oidc options need --oidc-issuer and --oidc-client-id.",
                    next: "Give both, or leave all of them out."
                )
            }
            return nil
        }
        var settings = ProviderSettings(
            issuer: issuer,
            clientID: clientID,
            clientSecret: try clientSecretFile.map { try Self.secret(in: $0) },
            roles: try Self.roles(roles)
        )
        if let groupsClaim { settings.groupsClaim = JSONText(groupsClaim) }
        settings.scopes = scopes
        settings.admitsNewcomers = !invitedOnly
        settings.trustsAddresses = trustsAddresses
        settings.allowsLoopback = allowsLoopback
        settings.authority = try authorityFile.map {
            String(decoding: try ServerCertificate.bytes(of: DataFolder($0).path), as: UTF8.self)
        }
        if let longestAbsence {
            guard (1...720).contains(longestAbsence) else {
                throw CoordinatorError(
                    .usage,
                    "--oidc-sign-in-every needs a number of hours from 1 to 720.",
                    next: "Leave it out: then people stay for as long as the provider names them."
                )
            }
            settings.longestAbsence = longestAbsence * 3600
        }
        if let question {
            guard (1...3600).contains(question) else {
                throw CoordinatorError(
                    .usage,
                    "--oidc-recheck needs a number of seconds from 1 to 3600.",
                    next: "Leave it out for two minutes."
                )
            }
            settings.question = question
        }
        guard settings.isUsable else {
            throw CoordinatorError(
                .usage,
                "--oidc-issuer must be an https URL without query; plain HTTP is for this machine, with --oidc-allow-loopback.",
                next: "Give the issuer exactly as the provider names it, like https://login.example.com/realms/staff"
            )
        }
        return settings
    }

    private var isEmpty: Bool {
        issuer == nil && clientID == nil && clientSecretFile == nil && roles.isEmpty && groupsClaim == nil
            && scopes.isEmpty && !allowsLoopback && !invitedOnly && !trustsAddresses && authorityFile == nil
            && longestAbsence == nil && question == nil
    }

    private static func roles(_ texts: [String]) throws -> [JSONText: Role] {
        var roles: [JSONText: Role] = [:]
        for text in texts {
            // The last one: a group may have the sign in its name, a role has none.
            guard let mark = text.lastIndex(of: "="), mark > text.startIndex,
                let role = Role(rawValue: String(text[text.index(after: mark)...]))
            else {
                let words = Role.allCases.map(\.rawValue).joined(separator: ", ")
                throw CoordinatorError(
                    .usage,
                    "--oidc-role needs GROUP=ROLE, with one of the roles \(words).",
                    next: "Give one like --oidc-role platform-admins=admin"
                )
            }
            roles[JSONText(String(text[..<mark]))] = role
        }
        return roles
    }

    /// The first line of a file.
    private static func secret(in file: String) throws -> String {
        let path = DataFolder(file).path
        let bytes = try DurableFile.read(path, maxBytes: 8192) ?? []
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        // RFC 6749, appendix A.2.
        guard !line.isEmpty, line.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw CoordinatorError(
                .usage,
                "\(path) does not hold a client's secret on its first line.",
                next: "Put the secret alone into it, mode 600."
            )
        }
        return String(decoding: line, as: UTF8.self)
    }
}
