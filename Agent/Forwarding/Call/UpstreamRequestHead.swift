internal import StrictJSON
internal import Upstreams
internal import Wire

/// Writes the heads of requests to one server: each from scratch, out of what is known to be meant for the server.
///
/// Of the client's head nothing passes but the fields of the protocol; its credential, its cookies and whatever else it
/// says stay here.
final class UpstreamRequestHead: Sendable {
    private let post: [UInt8]
    private let get: [UInt8]
    private let delete: [UInt8]

    init(_ endpoint: UpstreamEndpoint, userAgent: String) {
        func opening(_ method: String) -> [UInt8] {
            let lines = [
                "\(method) \(endpoint.target) HTTP/1.1", "Host: \(endpoint.authority)", "User-Agent: \(userAgent)", "",
            ]
            return Array(lines.joined(separator: "\r\n").utf8)
        }
        post = opening("POST") + Array("Content-Type: application/json\r\n".utf8)
        get = opening("GET")
        delete = opening("DELETE")
    }

    /// What belongs in a head beside what the client's own head says.
    struct Parts {
        var method = RequestMethod.post
        /// The length of the body; nil without one.
        var bodyLength: Int?
        /// The value of `traceparent`; nil for none.
        var trace: UnsafeBufferPointer<UInt8>?
        /// The value of `Authorization`; nil for none.
        var authorization: UnsafeBufferPointer<UInt8>?
        /// Whether the request belongs to the handshake era, which alone has sessions and streams that are taken up again.
        var isHandshake = false
        /// The server's id of the session; empty for none.
        var session: [UInt8] = []
        /// Whether a stream may be taken up behind the event that the client names.
        var resumes = true
    }

    /// Room enough for the head, in bytes.
    func room(clientHead: Int, authorization: Int) -> Int {
        post.count + clientHead + authorization + 512
    }

    /// Writes the head for a client's request; of a broken one nothing may be sent.
    func write(
        _ parts: Parts,
        client head: RequestHead,
        in bytes: UnsafeRawBufferPointer,
        to writer: inout HeadWriter
    ) {
        append(parts.method, to: &writer)
        if head.hasMoreAccept {
            Self.joinedAccept(head, bytes).withUnsafeBufferPointer { writer.field("Accept", $0) }
        } else if let accept = head.value(.accept, in: bytes) {
            writer.field("Accept", scanned: accept)
        } else {
            writer.field("Accept", Self.accepted)
        }
        if let length = parts.bodyLength { writer.field("Content-Length", decimal: length) }
        relay(.protocolVersion, "MCP-Protocol-Version", head, bytes, &writer)
        relay(.method, "Mcp-Method", head, bytes, &writer)
        relay(.name, "Mcp-Name", head, bytes, &writer)
        if parts.isHandshake {
            if !parts.session.isEmpty {
                parts.session.withUnsafeBufferPointer { writer.field("Mcp-Session-Id", $0) }
            }
            // A stream is taken up again by GET and nothing else.
            if parts.method == .get, parts.resumes { relay(.lastEventID, "Last-Event-ID", head, bytes, &writer) }
        }
        relayParameters(head, bytes, &writer)
        finish(parts, &writer)
    }

    /// Writes the head for a message that the agent itself has to say.
    func write(_ parts: Parts, own head: OutgoingRequest.OwnHead, to writer: inout HeadWriter) {
        append(parts.method, to: &writer)
        writer.field("Accept", Self.accepted)
        if let length = parts.bodyLength { writer.field("Content-Length", decimal: length) }
        func field(_ name: StaticString, _ value: [UInt8]?) {
            value?.withUnsafeBufferPointer { writer.field(name, $0) }
        }
        field("MCP-Protocol-Version", head.version)
        field("Mcp-Method", head.method)
        field("Mcp-Name", head.name)
        if let session = head.session, !session.utf8.isEmpty { field("Mcp-Session-Id", session.utf8) }
        finish(parts, &writer)
    }

    private static let accepted: StaticString = "application/json, text/event-stream"

    private func append(_ method: RequestMethod, to writer: inout HeadWriter) {
        let opening =
            switch method {
            case .get: get
            case .delete: delete
            case .head, .post, .put, .patch, .options, .other: post
            }
        opening.withUnsafeBytes { writer.append($0) }
    }

    /// Several fields `Accept` as the one that they mean (RFC 9110 section 5.3).
    private static func joinedAccept(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var joined: [UInt8] = []
        for field in head.fields(in: bytes) where field.isNamed(RequestField.accept, in: bytes) {
            if !joined.isEmpty { joined += [UInt8(ascii: ","), UInt8(ascii: " ")] }
            joined += field.value.slice(of: bytes)
        }
        return joined
    }

    private func finish(_ parts: Parts, _ writer: inout HeadWriter) {
        if let trace = parts.trace { writer.field("traceparent", trace) }
        if let authorization = parts.authorization { writer.field("Authorization", authorization) }
        writer.end()
    }

    private func relay(
        _ field: RequestField,
        _ name: StaticString,
        _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ writer: inout HeadWriter
    ) {
        guard let value = head.value(field, in: bytes) else { return }
        writer.field(name, scanned: value)
    }

    private func relayParameters(
        _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ writer: inout HeadWriter
    ) {
        Self.forEachParameter(of: head, in: bytes) { writer.field(name: $0, value: $1) }
    }

    /// `Mcp-Param-*`: arguments of a tool that its server wants to see in the head too.
    static func parameters(
        of head: RequestHead,
        in bytes: UnsafeRawBufferPointer
    ) -> [(name: [UInt8], value: [UInt8])] {
        var parameters: [(name: [UInt8], value: [UInt8])] = []
        forEachParameter(of: head, in: bytes) { parameters.append((Array($0), Array($1))) }
        return parameters
    }

    private static func forEachParameter(
        of head: RequestHead,
        in bytes: UnsafeRawBufferPointer,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        // Nothing of this kind comes without `Mcp-Method`, which the older revisions do not have.
        guard head.hasParameters, head.has(.method) else { return }
        for field in head.fields(in: bytes) {
            let name = field.name.slice(of: bytes)
            guard name.count > 10, isParameter(name) else { continue }
            body(name, field.value.slice(of: bytes))
        }
    }

    private static func isParameter(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let start: StaticString = "mcp-param-"
        for index in 0..<start.utf8CodeUnitCount where name[index] | 0x20 != start.utf8Start[index] | 0x20 {
            return false
        }
        return true
    }
}
