package import Contract
internal import Glibc
internal import ServiceKit
internal import StrictJSON
internal import Synchronization
internal import TransparencyLog

/// The state of a membership, as far as it must outlive the process: the next process knows it at once, and `doorward
/// status` says it while no agent runs.
///
/// A revocation is believed only by the coordinator's signature, and for ever. The rest is what was seen last.
package final class MembershipStanding: Sendable {
    private struct State {
        var troubles: Set<MembershipTrouble> = []
        /// The coordinator's note; nil before a revocation.
        var statement: String?
        var isKept = true
    }

    private let membership: Membership
    private let path: String
    private let state: Mutex<State>
    private let onRevoked: @Sendable () -> Void

    /// The standing of a membership, which goes on where it was.
    ///
    /// - Parameters:
    ///   - membership: Whose.
    ///   - home: Where it is kept.
    ///   - onRevoked: Told once, when the coordinator's word of a revocation comes; not of one that was kept.
    /// - Throws: `FileError` where it is not known what was kept.
    package init(
        _ membership: Membership,
        home: AgentHome,
        onRevoked: @escaping @Sendable () -> Void = {}
    ) throws {
        self.membership = membership
        self.onRevoked = onRevoked
        path = Self.path(home)
        var known = State()
        if let bytes = try DurableFile.read(path, maxBytes: Self.longest) {
            // What is damaged is seen anew: the coordinator says it again to an agent that asks.
            known = (try? JSONValue(parsing: bytes)).map { Self.state($0, of: membership) } ?? known
        }
        state = Mutex(known)
    }

    /// What there is to tell the user; of several the one that no other can mend.
    package var trouble: MembershipTrouble? {
        state.withLock { state in MembershipTrouble.allCases.first(where: state.troubles.contains) }
    }

    /// Whether the coordinator has signed that this machine's key is revoked.
    package var isRevoked: Bool { state.withLock { $0.statement != nil } }

    /// Whether the key was not there when the keyring could be looked into last.
    package var isMissingKey: Bool { state.withLock { $0.troubles.contains(.keyMissing) } }

    // MARK: What is learnt

    /// Takes what the coordinator answered a signed request; nothing but its own signed word makes it a revocation.
    package func heard(_ problem: Problem?) {
        let isUnknown = problem?.code == SignatureRefusal.unknownKey.rawValue
        // A coordinator that refuses for another reason has not said whether it knows the key.
        if isUnknown || problem?.status != 401 { set(.unknownKey, isUnknown) }
        guard let problem, let note = problem.members[RevocationStatement.member]?.text,
            Self.isRevocation(note, of: membership)
        else { return }
        let isNew = state.withLock { state in
            defer {
                state.statement = note
                state.troubles.insert(.revoked)
            }
            return state.statement == nil
        }
        guard isNew else { return }
        keep()
        onRevoked()
    }

    /// Notes whether the membership has a trouble.
    package func set(_ trouble: MembershipTrouble, _ isSo: Bool) {
        let isNew = state.withLock { state in
            isSo ? state.troubles.insert(trouble).inserted : state.troubles.remove(trouble) != nil
        }
        if isNew { keep() }
    }

    // MARK: Between two runs

    /// Writes it down, if that has not worked before.
    package func keepAgain() {
        if state.withLock({ !$0.isKept }) { keep() }
    }

    private func keep() {
        state.withLock { state in
            var object: JSONObject = [
                "v": 1, "agent": .text(membership.agentID),
                "troubles": .array(MembershipTrouble.allCases.filter(state.troubles.contains).map { .text($0.code) }),
            ]
            object["statement"] = state.statement.map { .text($0) }
            // A full disk changes nothing about what is known now; it is tried again.
            state.isKept = (try? DurableFile.write(JSONValue.object(object).bytes, to: path)) != nil
        }
    }

    /// What was kept of a membership last, for those who only look.
    package static func last(_ membership: Membership, home: AgentHome) -> MembershipTrouble? {
        (try? MembershipStanding(membership, home: home))?.trouble
    }

    /// Forgets it: the membership has ended.
    package static func remove(_ home: AgentHome) { unlink(path(home)) }

    private static func path(_ home: AgentHome) -> String { home.path(.standing) }

    private static let longest = 64 << 10

    private static func state(_ json: JSONValue, of membership: Membership) -> State {
        guard json["v"]?.int == 1, json["agent"]?.text == membership.agentID else { return State() }
        var state = State()
        state.troubles = Set((json["troubles"]?.array ?? []).compactMap { $0.text.flatMap(MembershipTrouble.init) })
        state.troubles.remove(.revoked)
        if let note = json["statement"]?.text, isRevocation(note, of: membership) {
            state.statement = note
            state.troubles.insert(.revoked)
        }
        return state
    }

    private static func isRevocation(_ note: String, of membership: Membership) -> Bool {
        RevocationStatement.verified(
            note: note,
            by: membership.coordinatorKey,
            names: membership.names,
            agentID: membership.agentID,
            key: membership.publicKey.fingerprint
        ) != nil
    }
}
