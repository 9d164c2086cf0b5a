import NIOCore
import NIOHPACK
import Wire

/// A request head of HTTP/1.1 as HTTP/2 has it (RFC 9113 section 8.3.1).
struct HTTP2RequestHead {
    let headers: HPACKHeaders
    /// How many bytes of the buffer the head was; what is behind it belongs to the body.
    let length: Int

    /// What every request to a server has in common, and only that, may be kept in the tables of both ends: nobody shall learn
    /// a credential or an argument by looking how well it compresses (RFC 7541 section 7.1).
    private static let common: Set<String> = ["accept", "content-type", "user-agent", "mcp-protocol-version"]
    /// Fields about the connection, which HTTP/2 does not have, and the host, which is `:authority` there.
    private static let left: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade", "host", "expect",
    ]

    /// Reads a head; nil where it is not one, which no head of this program's own is.
    init?(_ buffer: ByteBuffer, authority: String) {
        let read = buffer.withUnsafeReadableBytes { bytes -> (HPACKHeaders, Int)? in
            var scanner = RequestHeadScanner(maxBytes: bytes.count)
            guard case .complete = scanner.scan(bytes) else { return nil }
            let head = scanner.head
            func text(_ range: Range<Int>) -> String? { String(validating: bytes[range], as: UTF8.self) }
            let end = head.query?.range.upperBound ?? head.path.range.upperBound
            guard let method = text(head.methodName.range), let target = text(head.path.range.lowerBound..<end) else {
                return nil
            }
            var headers = HPACKHeaders()
            headers.reserveCapacity(16)
            headers.add(name: ":method", value: method)
            headers.add(name: ":scheme", value: "https")
            headers.add(name: ":authority", value: authority)
            headers.add(name: ":path", value: target, indexing: .nonIndexable)
            for field in head.fields(in: bytes) {
                guard let name = text(field.name.range)?.lowercased(), let value = text(field.value.range) else {
                    return nil
                }
                if Self.left.contains(name) { continue }
                headers.add(
                    name: name,
                    value: value,
                    indexing: Self.common.contains(name) ? .indexable : .neverIndexed
                )
            }
            return (headers, head.length)
        }
        guard let read else { return nil }
        (headers, length) = read
    }
}

extension ByteBuffer {
    /// A response head of HTTP/2 as HTTP/1.1 has it, so that one reader judges the heads of all servers; nil where something in
    /// it could not be in a head.
    ///
    /// - Parameters:
    ///   - headers: what the library has let pass.
    ///   - status: the status in them.
    ///   - isWhole: whether no body follows.
    init?(_ headers: HPACKHeaders, status: Int, isWhole: Bool) {
        let room = headers.reduce(into: 128) { $0 += $1.name.utf8.count + $1.value.utf8.count + 4 }
        self.init()
        let isWritten = writeHead(reserving: room) { writer in
            writer.status(status)
            var hasLength = false
            for (name, value, _) in headers where !name.utf8.starts(with: ":".utf8) {
                if name == "content-length" { hasLength = true }
                // What would be about the connection in HTTP/1.1 has no place in HTTP/2, and the library refuses it.
                Self.withBytes(name, value) { writer.field(name: $0, value: $1) }
            }
            if isWhole, !hasLength { writer.field("content-length", decimal: 0) }
            writer.end()
        }
        guard isWritten else { return nil }
    }

    private static func withBytes(
        _ name: String,
        _ value: String,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        var (name, value) = (name, value)
        name.withUTF8 { name in value.withUTF8 { value in body(name, value) } }
    }
}
