internal import AuditLog
internal import AuditSink
internal import Bytes
internal import Contract
internal import Database
internal import Errors
internal import Glibc
internal import People
internal import Policy
package import ServiceKit
package import StrictJSON

/// `doorward-coordinator invite-owner`: the way in for an organisation whose last owner has lost every machine.
///
/// Only an owner makes owners, so without it a lost laptop would leave the coordinator without an owner. A user who may
/// read the folder has the coordinator's key, and so gains nothing new by it.
package struct OwnerInvitation: Sendable {
    /// What was made.
    package struct Outcome: Sendable {
        /// For whom.
        package let owner: String
        /// The one-time token.
        package let token: String
        private let url: String
        private let expires: String

        init(owner: String, token: String, url: String, expires: String) {
            self.owner = owner
            self.token = token
            self.url = url
            self.expires = expires
        }

        /// What `--json` prints.
        package var json: JSONValue {
            ["owner": .text(owner), "token": .text(token), "expires": .text(expires), "url": .text(url)]
        }

        /// The same for people.
        package var words: [String] {
            [
                "\(owner) can enrol one machine as an owner, until \(expires). Start the coordinator, then on that machine:",
                "doorward login \(url) --token-file -", token,
            ]
        }
    }

    private let folder: DataFolder
    private let owner: EmailAddress
    private let clock: MachineClock

    /// Reads what was asked for; throws a `CoordinatorError`, `usage`, for an address that is not one.
    package init(data: String, owner: String, clock: MachineClock = .system) throws {
        folder = DataFolder(data)
        guard let owner = EmailAddress(owner) else {
            throw CoordinatorError(
                .usage,
                "--owner is not an e-mail address.",
                next: "Give one like --owner ann@example.com"
            )
        }
        self.owner = owner
        self.clock = clock
    }

    /// Makes the invitation; the coordinator must not run.
    ///
    /// - Returns: the invitation with its token, which is shown once.
    /// - Throws: `CoordinatorError`: `running`, or why the folder holds no coordinator.
    package func run() async throws -> Outcome {
        let setup = try Setup.read(from: folder)
        let lock = try folder.lock()
        defer { lock.release() }
        let database = try SQLDatabase(path: folder.database)
        defer { try? database.close() }
        let people = People(
            database: database,
            log: OrgLog(key: try setup.key(in: folder)),
            revisions: Revisions(changes: Signal()),
            clock: clock,
            authority: try ServerCertificate.authority(setup, in: folder)
        )
        let made = try await people.inviteOwner(owner)
        return Outcome(
            owner: owner.text,
            token: made.token.text,
            url: setup.shownURL,
            expires: made.invitation.expires.shortText
        )
    }
}
