internal import OAuth

/// The sign-ins that were begun, until a command has heard how they ended: so many at most, since no command has to
/// ask.
struct SignIns: Sendable {
    private struct Flow {
        let id: String
        let server: String
        /// nil once another one has taken its place.
        var signIn: SignIn?
    }

    private static let most = 32
    private var flows: [Flow] = []

    /// Takes one in.
    ///
    /// One at a time for a server: when another sign-in begins, the user no longer looks at the browser page of the
    /// earlier one.
    ///
    /// - Parameters:
    ///   - id: names it to the command that waits.
    ///   - server: to which it is.
    ///   - signIn: under way.
    /// - Returns: the one that has to go for it.
    mutating func begin(_ id: String, _ server: String, _ signIn: SignIn) -> SignIn? {
        var gone: SignIn?
        for index in flows.indices where flows[index].server == server {
            gone = flows[index].signIn ?? gone
            flows[index].signIn = nil
        }
        flows.append(Flow(id: id, server: server, signIn: signIn))
        guard flows.count > Self.most else { return gone }
        // Begun long ago, and no command has asked.
        return flows.removeFirst().signIn ?? gone
    }

    subscript(id: String) -> SignIn? { flows.first { $0.id == id }?.signIn }

    /// The server of one that another has taken the place of.
    func server(ofReplaced id: String) -> String? {
        flows.first { $0.id == id && $0.signIn == nil }?.server
    }

    mutating func end(_ id: String) { flows.removeAll { $0.id == id } }
}
