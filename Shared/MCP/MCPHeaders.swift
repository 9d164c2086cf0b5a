internal import Bytes
internal import StrictJSON

/// The headers in which a modern request repeats parts of its body.
///
/// The code that routes by the header and the code that acts by the body must have read the same thing, so a gateway
/// that reads bodies checks them like a server.
package struct MCPHeaders {
    /// The values, without white space around them; nil where the header is absent.
    package var protocolVersion: UnsafeBufferPointer<UInt8>?
    package var method: UnsafeBufferPointer<UInt8>?
    package var name: UnsafeBufferPointer<UInt8>?

    package init(
        protocolVersion: UnsafeBufferPointer<UInt8>?,
        method: UnsafeBufferPointer<UInt8>?,
        name: UnsafeBufferPointer<UInt8>?
    ) {
        self.protocolVersion = protocolVersion
        self.method = method
        self.name = name
    }

    /// What header and body say differently: an error -32020, and HTTP's 400.
    package enum Mismatch: Hashable, Sendable {
        case protocolVersion, method, name

        /// One sentence, safe to show.
        package var message: String {
            switch self {
            case .protocolVersion: "MCP-Protocol-Version is missing or is not what the body says"
            case .method: "Mcp-Method is missing or is not what the body says"
            case .name: "Mcp-Name is missing or is not what the body says"
            }
        }
    }

    /// Compares the headers with a message.
    ///
    /// At 2026-07-28 a request must have them all. Before, and for notifications and responses, none is wanted, and one
    /// that is there must be right nevertheless: another hop may read it.
    package func mismatch(with envelope: Envelope, in bytes: UnsafeBufferPointer<UInt8>) -> Mismatch? {
        let isModern = envelope.era == .modern && envelope.kind == .request
        return versionMismatch(envelope, bytes) ?? methodMismatch(envelope, bytes, isModern: isModern)
            ?? nameMismatch(envelope, bytes, isModern: isModern)
    }

    private func versionMismatch(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>) -> Mismatch? {
        guard let body = envelope.protocolVersion else {
            // The header alone cannot make a request modern.
            guard let protocolVersion, envelope.kind == .request, Revisions.era(of: protocolVersion) == .modern else {
                return nil
            }
            return .protocolVersion
        }
        guard let protocolVersion else { return envelope.kind == .request ? .protocolVersion : nil }
        return body.withText(in: bytes) { protocolVersion.isEqual(to: $0) } ? nil : .protocolVersion
    }

    private func methodMismatch(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, isModern: Bool) -> Mismatch?
    {
        guard let method else { return isModern ? .method : nil }
        guard let body = envelope.methodName else { return .method }
        return body.withText(in: bytes) { method.isEqual(to: $0) } ? nil : .method
    }

    private func nameMismatch(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, isModern: Bool) -> Mismatch? {
        guard let name else { return isModern && envelope.method.isNamedInHeader ? .name : nil }
        guard envelope.method.isNamedInHeader, let item = envelope.item else { return .name }
        return item.name.withText(in: bytes) { Self.equals($0, header: name) } ? nil : .name
    }

    // MARK: Encoded values

    private static let prefix: StaticString = "=?base64?"
    private static let suffix: StaticString = "?="

    /// Whether the value of a header encodes this text: as it is, or in base64 between `=?base64?` and `?=`.
    static func equals(_ text: UnsafeBufferPointer<UInt8>, header: UnsafeBufferPointer<UInt8>) -> Bool {
        guard isEncoded(header) else {
            return header.allSatisfy { (0x20...0x7E).contains($0) } && header.isEqual(to: text)
        }
        let encoded = header[prefix.utf8CodeUnitCount..<(header.count - suffix.utf8CodeUnitCount)]
        return Base64.decodeStandard(encoded).map { $0.elementsEqual(text) } ?? false
    }

    /// The value of a header that encodes a text: the text itself where a header may contain it, else in base64.
    package static func encoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let isPlain = bytes.withUnsafeBufferPointer { bytes in
            bytes.allSatisfy { (0x20...0x7E).contains($0) } && bytes.first != 0x20 && bytes.last != 0x20
                && !isEncoded(bytes)
        }
        return isPlain && !bytes.isEmpty ? text : "\(prefix)\(Base64.standard(bytes))\(suffix)"
    }

    private static func isEncoded(_ header: UnsafeBufferPointer<UInt8>) -> Bool {
        let lengths = (prefix.utf8CodeUnitCount, suffix.utf8CodeUnitCount)
        guard header.count >= lengths.0 + lengths.1 else { return false }
        return header[..<lengths.0].elementsEqual(UnsafeBufferPointer(start: prefix.utf8Start, count: lengths.0))
            && header[(header.count - lengths.1)...].elementsEqual(
                UnsafeBufferPointer(start: suffix.utf8Start, count: lengths.1)
            )
    }
}
