internal import AuditLog
internal import AuditSink
internal import Bytes
internal import Contract
internal import Database
internal import Errors
internal import People
internal import Policy
package import ServiceKit
internal import SignIn
package import StrictJSON

/// `doorward-coordinator sign-in-link`: lets a browser in without an identity provider: in the first minutes, and when there is
/// none that answers.
///
/// The coordinator may run. A user who may write the folder has the coordinator's key, and so gains nothing new by it.
package struct LinkForBrowser: Sendable {
    /// What was made.
    package struct Outcome: Sendable {
        private let link: SignInLink

        init(_ link: SignInLink) { self.link = link }

        /// What `--json` prints.
        package var json: JSONValue { link.json }

        /// The same for people.
        package var words: [String] {
            [
                "Open this in a browser until \(link.expires.shortText), once; it signs in as \(link.user):",
                link.url,
            ]
        }
    }

    private let folder: DataFolder
    private let user: EmailAddress?
    private let clock: MachineClock

    /// Reads what was asked for; throws a `CoordinatorError`, `usage`, for an address that is not one.
    package init(data: String, user: String?, clock: MachineClock = .system) throws {
        folder = DataFolder(data)
        self.user = try user.map { text in
            guard let email = EmailAddress(text) else {
                throw CoordinatorError(
                    .usage,
                    "--user is not an e-mail address.",
                    next: "Give one like --user ann@example.com"
                )
            }
            return email
        }
        self.clock = clock
    }

    /// Makes the link.
    ///
    /// - Returns: the link, which is shown once.
    /// - Throws: `Refused`: `unknown_user`, `which_owner`; a `CoordinatorError` where the folder holds no coordinator.
    package func run() async throws -> Outcome {
        let setup = try Setup.read(from: folder)
        // Beside the coordinator that serves: one row is written, and SQLite lets one write after the other.
        let database = try SQLDatabase(path: folder.database)
        defer { try? database.close() }
        let log = OrgLog(key: try setup.key(in: folder))
        let people = People(database: database, log: log, revisions: Revisions(changes: Signal()), clock: clock)
        let links = SignInLinks(database: database, log: log, people: people, clock: clock, origin: setup.origin)
        return Outcome(try await links.make(for: user))
    }
}
