internal import MCP
internal import Policy
internal import StrictJSON

/// Decides whether a request may go to its server.
///
/// `authorize` has all guards in one list, in the order in which they are asked; a review of that order is a review of
/// this one function. It does no I/O and nothing in it waits: what it asks are `CallAuthorities`, and what the tests of
/// the order put in their place. What comes behind it is the record, without which nothing leaves.
enum CallAuthorizer {
    /// Asks every guard until one refuses.
    ///
    /// - Parameters:
    ///   - envelope: the request.
    ///   - body: the bytes that hold it.
    ///   - headers: the headers that repeat parts of it.
    ///   - authorities: the state of client, server and everything that they share.
    /// - Returns: how the request goes to its server.
    /// - Throws: `CallDenial`, by the first guard that refuses.
    static func authorize<Authorities: CallAuthorities>(
        _ envelope: Envelope,
        in body: UnsafeBufferPointer<UInt8>,
        headers: MCPHeaders,
        by authorities: Authorities
    ) throws(CallDenial) -> CallPlan<Authorities.Server> {
        let (client, policy) = (authorities.client, authorities.policy)
        // First what the request is: where headers and body say two things, every later guard would judge one of them
        // and the server might act on the other.
        if let refusal = flaw(of: envelope, in: body, headers: headers) { throw .refused(refusal) }
        // Before anything about servers: while the agent passes nothing, every alias has the same answer, whether or not
        // there is such a server.
        if let refusal = authorities.closed { throw .refused(refusal) }
        // The same for a policy under which no user may do anything anywhere; the agent's own state is above it, since
        // without an enrolment there is no policy, and the enrolment is what the user can mend.
        if policy.isClosed { throw .refused(.denied(policy.decide(client: client, server: "", ask: .method))) }
        // The server before all that depends on it. One that the user has no grant on is answered like one that is not
        // there, and nothing below may tell the two apart.
        guard let server = authorities.server, policy.knows(server: server.alias) else { throw .unknownServer }
        // The method before the policy: rules are about the items of methods that the protocol knows.
        guard isKnown(envelope.method, in: envelope.era) else {
            throw .refused(.unknownMethod(envelope.era))
        }
        // The session before the policy, which does not depend on it: a client whose session has ended has to begin
        // another whatever it asks, and a refusal by the policy would hide that from it.
        let session: Session?
        switch authorities.session(in: envelope.era, at: server) {
        case .none: session = nil
        case .found(let found): session = found
        case .unknown: throw .refused(.unknownSession)
        }
        // The policy before everything that changes from one moment to the next: what is not allowed is refused for that
        // reason at all times, and says nothing of tasks, of the server's health, of limits or of sign-ins.
        let decision = decide(envelope, in: body, policy: policy, client: client, server: server.alias) {
            authorities.hints(of: $0, at: server)
        }
        guard decision.isAllowed else { throw .refused(.denied(decision)) }
        // The definition behind the policy, since who may not call a tool need not know how it stands with it; and before
        // all that changes, like the policy.
        if envelope.method == .toolsCall, let item = envelope.item {
            let held = item.name.withText(in: body) { authorities.hold(on: $0, at: server) }
            if let held { throw .refused(held) }
        }
        // The conversation behind the policy, whose refusals hold in each of them.
        if let refusal = authorities.missingThread(in: envelope.era, at: server) { throw .refused(refusal) }
        // Whose task it is: the policy opens tasks as such, and this one opens the tasks of this client alone.
        if let refusal = taskRefusal(envelope, in: body, at: server, authorities) { throw .refused(refusal) }
        // What else the policy demands, behind all that it denies: who may not call at all need not know it.
        if !decision.obligations.isEmpty, let refusal = authorities.unmet(decision) { throw .refused(refusal) }
        // A server that is down before the limits: a call that cannot arrive takes nothing from them.
        if let refusal = authorities.downtime(of: server) { throw .refused(refusal) }
        // The limits next to last, since they alone take something away; who is over a limit need not sign in first.
        var permit = LimitPermit()
        if envelope.method == .toolsCall, let item = envelope.item {
            switch item.name.withText(in: body, { authorities.admit(tool: $0, at: server) }) {
            case .admitted(let admitted): permit = admitted
            case .limited(let rule, let wait):
                let words = authorities.words(ofLimit: rule)
                throw .refused(.limited(rule: rule, words: words, retryAfterMilliseconds: wait))
            }
        }
        // The credential last: no user is asked to sign in for a call that would be refused anyway.
        switch authorities.credential(for: server) {
        case .notNeeded:
            return CallPlan(server: server, session: session, decision: decision, permit: permit)
        case .ready(let id, let header):
            return CallPlan(
                server: server,
                session: session,
                decision: decision,
                permit: permit,
                credential: id,
                authorization: header
            )
        case .stale(let id):
            return CallPlan(
                server: server,
                session: session,
                decision: decision,
                permit: permit,
                credential: id,
                isStale: true
            )
        case .refused(let refusal):
            permit.release()
            throw .refused(.credential(refusal, server: server.alias))
        }
    }

    /// Why a request about a task may not go: another client made it, or its tool may be called no more.
    private static func taskRefusal<Authorities: CallAuthorities>(
        _ envelope: Envelope,
        in body: UnsafeBufferPointer<UInt8>,
        at server: Authorities.Server,
        _ authorities: Authorities
    ) -> Refusal? {
        func refusal(_ id: UnsafeBufferPointer<UInt8>) -> Refusal? {
            guard let tool = authorities.tool(ofTask: id, at: server) else { return .unknownTask }
            // Its arguments were judged when it was made.
            let decision = tool.utf8.withUnsafeBufferPointer { tool in
                authorities.policy.decide(
                    client: authorities.client,
                    server: server.alias,
                    ask: .tool(tool),
                    arguments: .any,
                    hints: authorities.policy.looksAtHints ? authorities.hints(of: tool, at: server) : .assumed
                )
            }
            return decision.isAllowed ? nil : .denied(decision)
        }
        if let item = envelope.item {
            guard item.kind == .task else { return nil }
            return item.name.withText(in: body, refusal)
        }
        guard envelope.subscribesToTasks else { return nil }
        for id in envelope.subscribedTaskIDs(in: body) {
            if let refusal = id.utf8.withUnsafeBufferPointer(refusal) { return refusal }
        }
        return nil
    }
}

/// Why a request may not go.
enum CallDenial: Error, Equatable {
    case refused(Refusal)
    /// There is no such server for this user, and neither answer nor record may name one.
    case unknownServer
}

/// How a request goes to its server, once every guard has let it pass.
struct CallPlan<Server> {
    let server: Server
    /// The session that it belongs to.
    let session: Session?
    /// What the policy said.
    let decision: Decision
    /// The slots that it has; to be released when it has ended.
    let permit: LimitPermit
    /// The opaque id of the credential, for its record.
    var credential: JSONText?
    /// The value of the header that shows it.
    var authorization: [UInt8]?
    /// Whether it has to be renewed first.
    var isStale = false
}
