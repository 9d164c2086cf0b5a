/// The codes of JSON-RPC errors that a gateway says or understands.
package struct JSONRPCErrorCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    // JSON-RPC's own.
    package static let parseError = JSONRPCErrorCode(rawValue: -32700)
    package static let invalidRequest = JSONRPCErrorCode(rawValue: -32600)
    package static let methodNotFound = JSONRPCErrorCode(rawValue: -32601)
    package static let invalidParams = JSONRPCErrorCode(rawValue: -32602)
    package static let internalError = JSONRPCErrorCode(rawValue: -32603)
    /// A resource that is not there, up to 2025-11-25.
    package static let resourceNotFound = JSONRPCErrorCode(rawValue: -32002)
    /// The user has to open an address first, at 2025-11-25.
    package static let urlElicitationRequired = JSONRPCErrorCode(rawValue: -32042)

    // The protocol's, from 2026-07-28 on.
    package static let headerMismatch = JSONRPCErrorCode(rawValue: -32020)
    package static let missingCapability = JSONRPCErrorCode(rawValue: -32021)
    package static let unsupportedVersion = JSONRPCErrorCode(rawValue: -32022)

    // Ours, outside the range that JSON-RPC reserves.
    /// Policy says no.
    package static let denied = JSONRPCErrorCode(rawValue: -31001)
    /// A rate or a number of slots is used up.
    package static let limited = JSONRPCErrorCode(rawValue: -31002)
    /// The user must sign in, unlock or approve.
    package static let userMustAct = JSONRPCErrorCode(rawValue: -31003)
    /// The server is down, too slow, or refuses.
    package static let serverDown = JSONRPCErrorCode(rawValue: -31004)
    /// It cannot be recorded, so it is not done.
    package static let notRecorded = JSONRPCErrorCode(rawValue: -31005)
    /// The answer is too large or breaks the protocol.
    package static let badAnswer = JSONRPCErrorCode(rawValue: -31006)

    /// What becomes of a server's error that has one of the gateway's own codes.
    package static let upstreamError = JSONRPCErrorCode(rawValue: -32000)

    /// Whether the gateway alone answers with this code: no server's error reaches a client under it.
    package var isOfGateway: Bool { (Self.badAnswer.rawValue...Self.denied.rawValue).contains(rawValue) }
}
