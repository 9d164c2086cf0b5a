package import StrictJSON

/// What a running agent does for the commands of its own user.
///
/// Every operation has an end: it answers within seconds, but for `awaitSignIn`, `unlock` and `follow`, which wait as long as
/// they are told. Errors are `ControlFailure`. Operations may be asked at the same time and in any order.
package protocol AgentOperations: Sendable {
    /// The members of `doorward status --json`.
    func status() async throws -> JSONValue

    /// The servers that the user may know, with their states: `servers[]`.
    func servers() async throws -> JSONValue

    /// Begins a sign-in; the answer has `flow` and `authorization_url`, or `state` alone where none is needed; of a program it
    /// has `secrets[]`, the names of those that the user has not given yet. The secret is of the client that was registered
    /// beforehand, where the user brings it.
    func beginSignIn(server: String, clientSecret: String?) async throws -> JSONValue

    /// Stores what the user gives to a program, by the names of its variables; the answer has `state`.
    func keepSecrets(server: String, values: [String: String]) async throws -> JSONValue

    /// Waits for the end of a sign-in that was begun; the answer has `state`.
    func awaitSignIn(flow: String) async throws -> JSONValue

    /// Revokes the user's grant at a server and forgets it: `state`, `revoked`, `revocation`, `issuer`, and in `words`
    /// the message of a server that refuses; with `forgettingSecret` the secret of its client too.
    func signOut(server: String, forgettingSecret: Bool) async throws -> JSONValue

    /// What the policy says about a call with these arguments, and why.
    func explain(server: String, tool: String, arguments: JSONValue, client: String) async throws -> JSONValue

    /// The newest `count` records, oldest first, with the number of the next one: `records[]`, `next`.
    func records(newest count: Int) async throws -> JSONValue

    /// The records from `next` on, waiting up to `seconds` for the first.
    func records(from next: Int, waiting seconds: Int) async throws -> JSONValue

    /// All records of one call: `records[]`.
    func records(call: String) async throws -> JSONValue

    /// Takes what commands have changed on disk: clients and membership; what is asked afterwards knows of it.
    func reload() async throws -> JSONValue

    /// Has the keyring ask its user to open, and waits for that as long as typing may take: `open`.
    func unlock() async throws -> JSONValue

    /// Ships what is pending and leaves the coordinator, or leaves without it: `left`, `told`, `kept`, `words[]`.
    func leave(isOffline: Bool) async throws -> JSONValue
}
