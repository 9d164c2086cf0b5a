internal import AuditLog
internal import OAuth
internal import StrictJSON

extension CredentialEvent {
    var record: RecordBody {
        switch self {
        case .granted(let credential, let alias):
            .credentialGrant(credential: JSONText(credential), server: JSONText(alias))
        case .refreshed(let credential, let alias):
            .credentialRefresh(credential: JSONText(credential), server: JSONText(alias))
        case .failed(let credential, let alias, let why):
            .credentialFail(credential: credential.map { JSONText($0) }, server: JSONText(alias), why: JSONText(why))
        case .revoked(let credential, let alias, let why):
            .credentialRevoke(credential: JSONText(credential), server: JSONText(alias), why: JSONText(why))
        }
    }
}
