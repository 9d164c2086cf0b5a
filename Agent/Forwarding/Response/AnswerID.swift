internal import Bytes
internal import MCP
internal import NIOCore
internal import StrictJSON

/// What a server's message is that should answer the request at hand.
enum Answering {
    /// It answers it, under the id as the client spelled it.
    case ours
    /// It answers it under another spelling: this is the same under the client's.
    case mended([UInt8])
    /// It answers another request, or none.
    case foreign
}

extension Call {
    /// Tells whether a result or an error answers the request at hand; `isRefused` if the status of HTTP says already that
    /// the request is refused.
    func answering(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>, isRefused: Bool) -> Answering {
        if let page { return page.answering(envelope, bytes, literalID) }
        guard let range = id else { return .foreign }
        let request = connection.request
        return request.withUnsafeReadableBytes { asked in
            let asked = UnsafeRawBufferPointer(rebasing: asked[range]).bindMemory(to: UInt8.self)
            if let span = envelope.id {
                let answered = UnsafeBufferPointer(rebasing: bytes[span.range])
                if asked.isEqual(to: answered) { return .ours }
                // The same id may be spelled in several ways.
                if let first = RequestID(literal: asked), let second = RequestID(literal: answered),
                    second.answers(first)
                {
                    return .mended(Array(bytes[..<span.lower]) + asked + bytes[span.upper...])
                }
            }
            // Older servers answer what they refuse before they look at its id.
            guard envelope.kind == .errorResponse, envelope.id == nil || isRefused, let error = envelope.error else {
                return .foreign
            }
            let opening = Array(#"{"jsonrpc":"2.0","id":"#.utf8) + asked + Array(#","error":"#.utf8)
            return .mended(opening + bytes[error.range] + [UInt8(ascii: "}")])
        }
    }
}

extension Session {
    /// The parked request that an answer is for, with its own id.
    func parkedCall(answeredBy id: RequestID) -> (RequestID, ParkedCall)? {
        if let call = parked[id] { return (id, call) }
        return parked.first { id.answers($0.key) }.map { ($0.key, $0.value) }
    }
}
