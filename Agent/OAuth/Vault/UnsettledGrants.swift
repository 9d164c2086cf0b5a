internal import Keyring
internal import ServiceKit
internal import Synchronization

/// Grants that the keyring has acknowledged and may still lose: KWallet writes five seconds later.
final class UnsettledGrants: Sendable {
    private struct Entry {
        let grant: Grant
        let end: ContinuousClock.Instant
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// Remembers what was stored for an alias, until it can be looked for on the disk.
    func add(_ grant: Grant, _ alias: String, for time: Duration) {
        entries.withLock { $0[alias] = time > .zero ? Entry(grant: grant, end: .now + time) : nil }
    }

    func remove(_ alias: String) {
        entries.withLock { $0[alias] = nil }
    }

    /// The aliases whose time has come.
    var due: [String] {
        let now = ContinuousClock.now
        return entries.withLock { entries in entries.filter { $0.value.end <= now }.map(\.key) }
    }

    func take(_ alias: String) -> Grant? {
        entries.withLock { $0.removeValue(forKey: alias)?.grant }
    }
}

extension TokenVault {
    /// Looks for what was stored a while ago, and stores it again where the keyring has lost it meanwhile.
    func settle() async {
        for alias in grants.unsettled.due {
            await mutex.withLock(alias) {
                guard let grant = grants.unsettled.take(alias) else { return }
                switch await grants.read(alias) {
                case .locked, .unavailable: grants.unsettled.add(grant, alias, for: grants.secrets.settling)
                case .grant(let stored)
                where stored.credential != grant.credential || stored.generation >= grant.generation:
                    return
                case .grant, .absent, .damaged:
                    // Only what is still in use: another program may have taken it away.
                    let isInUse = state.withLock { state in
                        if case .held(let held)? = state.entries[alias] { held.grant == grant } else { false }
                    }
                    if isInUse, (try? await grants.write(grant, alias)) == nil {
                        grants.unsettled.add(grant, alias, for: grants.secrets.settling)
                    }
                }
            }
        }
    }
}
