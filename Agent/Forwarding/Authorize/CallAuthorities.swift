internal import MCP
internal import Policy
internal import StrictJSON

/// A server as the guards know it.
protocol AuthorizedServer {
    var alias: JSONText { get }
}

/// What the guards ask about one request.
///
/// Every answer comes out of memory. The guards ask in the order of `CallAuthorizer.authorize`, each question once at most,
/// and none behind the first that refuses: only `session` (which is used from then on) and `admit` (which takes from the
/// limits) leave something behind.
protocol CallAuthorities {
    associatedtype Server: AuthorizedServer

    var client: JSONText { get }
    /// The policy in force; the same one for the whole request.
    var policy: PolicySnapshot { get }
    /// Why no call can be made at all; nil while calls can.
    var closed: Refusal? { get }
    /// The server of the alias in the path, whether or not anybody may use it.
    var server: Server? { get }

    /// The session that the head names.
    func session(in era: Revisions.Era, at server: Server) -> SessionLookup
    /// Why a call that is allowed does not meet what a rule demands of it; nil where it does.
    func unmet(_ decision: Decision) -> Refusal?
    /// What a policy may believe of a tool; asked only where a rule looks at it.
    func hints(of tool: UnsafeBufferPointer<UInt8>, at server: Server) -> ToolHints
    /// Why a tool may not be called whose definition nobody has approved; nil where it may.
    func hold(on tool: UnsafeBufferPointer<UInt8>, at server: Server) -> Refusal?
    /// Why a request of this era needs a thread and has none; nil where it has one, or needs none.
    func missingThread(in era: Revisions.Era, at server: Server) -> Refusal?
    /// The tool with which this client made a task; nil where it did not.
    func tool(ofTask id: UnsafeBufferPointer<UInt8>, at server: Server) -> JSONText?
    /// What to say of a server that is known to be down; nil for one that may answer.
    func downtime(of server: Server) -> Refusal?
    /// Takes from the limits of a tool, or says how long to wait.
    func admit(tool: UnsafeBufferPointer<UInt8>, at server: Server) -> LimitTable.Admission
    /// What a limit allows, as text for a message.
    func words(ofLimit rule: JSONText) -> String?
    /// What there is to show to a server.
    func credential(for server: Server) -> CredentialState
}
