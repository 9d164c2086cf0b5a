/// A token that a server takes, ready to be sent.
package struct AccessToken: Sendable, Equatable {
    /// The opaque id of the grant in records.
    package let credential: String
    /// The value of the `Authorization` header.
    package let header: [UInt8]

    package init(credential: String, header: [UInt8]) {
        self.credential = credential
        self.header = header
    }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "[access token \(credential)]" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What there is for one server, told without waiting.
package enum TokenState: Sendable, Equatable {
    case ready(AccessToken)
    /// A grant whose token has to be renewed before it is used.
    case stale(credential: String)
    case needsSignIn
    /// The keyring was not open since the agent began.
    case locked
}

/// What happened to a credential: each is a record.
package enum CredentialEvent: Sendable, Equatable {
    case granted(credential: String, alias: String)
    case refreshed(credential: String, alias: String)
    /// `why` is a code: a-z, 0-9 and _.
    case failed(credential: String?, alias: String, why: String)
    case revoked(credential: String, alias: String, why: String)
}
