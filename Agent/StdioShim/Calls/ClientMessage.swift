internal import MCP
internal import NIOCore
internal import StrictJSON

/// A line of the client, with what is needed to send it on.
struct ClientMessage {
    let bytes: ByteBuffer
    /// Nil for what is no message: the agent says what is wrong with it, and records it.
    let kind: Envelope.Kind?
    let method: MCPMethod
    let methodName: String
    let id: RequestID?
    /// The literal of the id as the client wrote it.
    let idLiteral: [UInt8]?
    /// The revision that a modern request names.
    let version: String?
    /// What the request is about.
    let item: JSONText?
    let arguments: JSONValue?
    /// Which request a cancellation takes back.
    let cancelled: RequestID?

    var isRequest: Bool { kind == .request || kind == nil }
    var isModern: Bool { version != nil }

    /// Whether it may be done twice: a list or a reading is the same again, a call may have had an effect.
    var isRepeatable: Bool {
        switch method {
        case .toolsCall, .tasksUpdate, .tasksCancel, .unknown: false
        default: kind == .request
        }
    }

    init(_ line: [UInt8]) {
        bytes = ByteBuffer(bytes: line)
        var envelope: Envelope?
        var stray: JSONSpan?
        let text = line.withUnsafeBufferPointer { line in
            do throws(EnvelopeError) {
                envelope = try Envelope.scan(line, limits: JSONLimits(maxBytes: line.count, maxDepth: 128))
            } catch {
                stray = error.id
            }
            return Texts(envelope, stray: stray, in: line)
        }
        kind = envelope?.kind
        method = envelope?.method ?? .unknown
        methodName = text.method
        id = text.id
        idLiteral = text.idLiteral
        version = text.version
        item = text.item
        arguments = text.arguments
        cancelled = text.cancelled
    }

    /// What an envelope only knows the places of.
    private struct Texts {
        var method = ""
        var id: RequestID?
        var idLiteral: [UInt8]?
        var version: String?
        var item: JSONText?
        var arguments: JSONValue?
        var cancelled: RequestID?

        init(_ envelope: Envelope?, stray: JSONSpan?, in line: UnsafeBufferPointer<UInt8>) {
            if let id = envelope?.id ?? stray {
                self.id = RequestID(id, in: line)
                idLiteral = Array(line[id.range])
            }
            guard let envelope else { return }
            func text(_ span: JSONStringSpan) -> JSONText { JSONText(utf8: span.text(in: line)) }
            method = envelope.methodName.map { text($0).string } ?? ""
            version = envelope.protocolVersion.map { text($0).string }
            cancelled = envelope.cancelledID.flatMap { RequestID($0, in: line) }
            item = envelope.item.map { text($0.name) }
            guard version != nil, envelope.method == .toolsCall, let span = envelope.arguments else { return }
            let literal = UnsafeBufferPointer(rebasing: line[span.range])
            let limits = JSONLimits(maxBytes: literal.count, maxDepth: 128)
            arguments = try? JSONValue(parsing: literal, limits: limits, topLevel: .anything)
        }
    }
}
