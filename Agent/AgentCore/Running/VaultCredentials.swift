internal import Children
internal import Errors
internal import Forwarding
internal import OAuth
internal import ServiceKit
internal import StrictJSON
internal import Synchronization

/// Gives the data path the tokens of whichever vault is open, without one there are none; and says whether a program has the
/// secrets that it is to be started with.
final class VaultCredentials: CredentialSource {
    private let vault = Mutex<TokenVault?>(nil)
    private let programs: ProgramSecrets

    init(programs: ProgramSecrets) {
        self.programs = programs
    }

    func use(_ vault: TokenVault?) {
        self.vault.withLock { $0 = vault }
    }

    func current(_ target: CredentialTarget) -> CredentialState {
        if target.isProgram { return program(target) }
        guard let vault = vault.withLock({ $0 }) else { return .refused(.needsSignIn) }
        return switch vault.current(target.alias, at: target.url) {
        case .ready(let token): .ready(id: JSONText(token.credential), header: token.header)
        case .stale(let credential): .stale(id: JSONText(credential))
        case .needsSignIn: .refused(.needsSignIn)
        case .locked: .refused(.locked)
        }
    }

    func renew(_ target: CredentialTarget, rejected: [UInt8]?) async -> CredentialState {
        if target.isProgram { return program(target) }
        guard let vault = vault.withLock({ $0 }) else { return .refused(.needsSignIn) }
        do {
            let token = try await vault.renew(target.alias, at: target.url, rejected: rejected)
            return .ready(id: JSONText(token.credential), header: token.header)
        } catch let error as OAuthError {
            return switch error.kind {
            case .needsSignIn: .refused(.needsSignIn)
            case .locked: .refused(.locked)
            case .keyringUnavailable: .refused(.keyring)
            default: .refused(.unavailable)
            }
        } catch {
            return .refused(.unavailable)
        }
    }

    /// A program is given its secrets when it is started, which says why where it cannot have them.
    private func program(_ target: CredentialTarget) -> CredentialState {
        switch programs.state(target.alias) {
        case .missing: .refused(.needsSignIn)
        case .locked: .refused(.locked)
        case .unavailable: .refused(.keyring)
        case .there, nil: .notNeeded
        }
    }
}
