package import Bytes
package import Contract
package import Policy
package import StrictJSON

/// What the coordinator last said about rules, this person and the servers: all of it verified.
package struct SyncedState: Sendable {
    /// The signed bundle; nil before the first policy.
    package var bundle: PolicyBundle?
    /// The rules in it.
    package var rules: PolicyRules?
    /// Who the person is; nil before the first answer.
    package var binding: Binding?
    /// From here on the binding is no longer to be believed.
    package var bindingExpires: UTCTime?
    /// The servers that the person may know.
    package var entries: [ServerEntry] = []
    /// What is said of those that are about to go, by alias.
    package var deprecated: [JSONText: String] = [:]
    /// The definitions of tools that the organisation has approved, by server.
    package var pins: [JSONText: PinsDocument.Tools] = [:]
    /// What an administrator has shut this machine out with; nil: nothing.
    package var lock: MachineLock?
    /// What the next answer has to be newer than.
    package var counter = 0

    /// Nothing was said yet.
    package init() {}
}

/// The state of the link between this machine and its coordinator.
package enum LinkCondition: Sendable, Equatable {
    /// Nothing was heard since the start.
    case connecting
    case online
    /// The last answer did not come, with a message that says why.
    case offline(String)
    /// The key cannot be had until the keyring is unlocked.
    case locked
    /// The keyring is open and does not hold the key.
    case keyMissing
    /// The coordinator has signed that this machine's key is revoked; nothing is asked any more.
    case revoked
    /// The coordinator does not take this machine any more; the code of the refusal.
    case refused(String)
    /// What came is older than what is in force, which stays; with a message that says why. The next good answer is
    /// taken.
    case stale(String)
    /// What came was damaged, or its parts do not belong together; with a message that says why. The next good answer
    /// is taken.
    case unproven(String)
    /// Signed statements of the coordinator contradict each other; with a message that says why. What was believed
    /// before stays, until its log is restarted or the machine enrols anew.
    case untrusted(String)
}
