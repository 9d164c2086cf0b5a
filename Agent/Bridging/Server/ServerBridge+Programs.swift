package import NIOCore

// Whether the programs of a server are there, while no call shows it.
extension ServerBridge {
    /// What the programs of a server say that are asked whether they are there.
    package enum Presence: Hashable, Sendable {
        /// None runs that could be asked, or its calls say how it is.
        case unknown
        case answered
        /// One does not answer; `all`: none does.
        case silent(all: Bool)
    }

    /// Asks each program of the server that runs and does nothing else whether it is there; starts none.
    ///
    /// - Parameters:
    ///   - time: how long an answer is waited for.
    ///   - done: hears what they say, once.
    package func askPrograms(within time: TimeAmount, _ done: @escaping (Presence) -> Void) {
        guard case .links = settings.transport else { return done(.unknown) }
        let resting = pool.restingLinks
        var (waiting, answered, silent) = (resting.count, 0, 0)
        guard waiting > 0 else { return done(.unknown) }
        for peer in resting {
            peer.probe(within: time) { isThere in
                waiting -= 1
                switch isThere {
                case true?: answered += 1
                case false?: silent += 1
                case nil: break
                }
                guard waiting == 0 else { return }
                done(silent > 0 ? .silent(all: answered == 0) : answered > 0 ? .answered : .unknown)
            }
        }
    }
}
