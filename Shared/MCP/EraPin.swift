/// What the entry of a server says of its era.
package enum EraPin: String, Hashable, Sendable, CaseIterable {
    /// It is found out.
    case auto
    case handshake, modern
}
