internal import CLibSecret
internal import Synchronization

/// The one link of a store, which is made anew when its bus or its keyring has gone.
final class KeyringLine: Sendable {
    private struct State {
        var link: KeyringLink?
        var provider = KeyringProvider.unknown
        var quietly: QuietOpening?
    }

    private let state = Mutex(State())

    /// The keyring that answered last.
    var provider: KeyringProvider { state.withLock { $0.provider } }

    /// Whether what was written last is on the disk by more than the keyring's word.
    var isFlushed: Bool { state.withLock { $0.link?.isFlushed ?? false } }

    /// A link that is good by now.
    func link(_ cancellable: UnsafeMutablePointer<GCancellable>) throws(KeyringFailure) -> KeyringLink {
        if let link = state.withLock({ $0.link }) {
            if link.isAlive(cancellable) {
                link.drain()
                return link
            }
            drop(link)
        }
        // Opened outside of the lock: one that hangs must not keep others.
        let link = try KeyringLink(cancellable, after: state.withLock { $0.quietly })
        state.withLock { $0 = State(link: link, provider: link.provider, quietly: link.quietly) }
        return link
    }

    /// Uses a link no more, which closes when no conversation is on it.
    func drop(_ link: KeyringLink) {
        // Closed outside of the lock.
        let dropped = state.withLock { state -> KeyringLink? in
            guard state.link === link else { return nil }
            defer { state.link = nil }
            return state.link
        }
        withExtendedLifetime(dropped) {}
    }
}
