internal import MCP
internal import NIOCore
internal import ServiceKit
internal import Spool
internal import Upstreams
internal import Wire

// From a decision to bytes that go to the server.
extension Call {
    /// Begins something that leaves no record.
    func begin(_ kind: CallKind, isStale: Bool) {
        server.metrics.active.add(1)
        connection.call = self
        perform(machine.begin(kind, server: server.alias, isStale: isStale))
    }

    /// Begins; nothing leaves until the record of it is in the file of the spool.
    func begin(_ kind: CallKind, recordedIn spool: Spool, isStale: Bool) {
        server.metrics.active.add(1)
        self.spool = spool
        connection.call = self
        machine.hold(kind, server: server.alias, isStale: isStale)
        path.beginRecords.add(self, in: spool)
    }

    /// The record of the beginning is in the file, or could not be written; the client may have gone in the meantime.
    func recorded(_ isWritten: Bool) {
        perform(isWritten ? machine.recorded() : machine.notRecorded())
    }

    /// Sends the request with the credential at hand.
    func sendUpstream() {
        let connection = connection
        // What else has a body must not pass it on behind a head that says nothing of it.
        let content = connection.head.method == .post ? body : connection.head.length..<connection.head.length
        let isShort = content.count <= Self.longestJoinedBody
        let room =
            server.requestHead.room(clientHead: connection.head.length, authorization: authorization?.count ?? 0)
            + (isShort ? content.count : 0)
        var buffer = connection.out
        connection.out = ByteBuffer()
        buffer.clear(minimumCapacity: room)
        let request = connection.request
        let isWritten = request.withUnsafeReadableBytes { bytes in
            path.withHeader(of: trace) { trace in
                write(trace, bytes, to: &buffer, room: room, content: isShort ? content : nil)
            }
        }
        connection.out = buffer
        guard isWritten else {
            // Only the credential could hold what no head may hold.
            perform(machine.failed(.notSent(UpstreamError(.malformedResponse, "The credential cannot be sent."))))
            return
        }
        let rest =
            isShort ? nil : request.getSlice(at: request.readerIndex + content.lowerBound, length: content.count)
        exchange = server.upstream.send(
            head: buffer,
            body: rest,
            lane: machine.kind.isOpenEnded ? .stream : .call,
            client: connection.visit.clientNumber,
            isRepeatable: method.isRepeatable,
            delegate: self
        )
        if !connection.isWritable { exchange?.isReading = false }
        lastByte = gate.now()
        arm()
    }

    /// Up to here a copy is cheaper than a second write.
    private static let longestJoinedBody = 8192

    private func write(
        _ trace: UnsafeBufferPointer<UInt8>,
        _ bytes: UnsafeRawBufferPointer,
        to buffer: inout ByteBuffer,
        room: Int,
        content: Range<Int>?
    ) -> Bool {
        let requestHead = server.requestHead
        var parts = UpstreamRequestHead.Parts()
        parts.method = connection.head.method
        parts.bodyLength = parts.method == .post ? body.count : nil
        parts.trace = trace
        parts.isHandshake = era == .handshake
        func write(_ authorization: UnsafeBufferPointer<UInt8>?) -> Bool {
            parts.authorization = authorization
            return buffer.writeHead(reserving: room) { writer in
                requestHead.write(parts, client: connection.head, in: bytes, to: &writer)
                if let content { writer.append(UnsafeRawBufferPointer(rebasing: bytes[content])) }
            }
        }
        guard let authorization else { return write(nil) }
        return authorization.withUnsafeBufferPointer { write($0) }
    }

    // MARK: Credentials

    /// Asks for another credential; `isRejected` if the server refused the one at hand.
    func renew(isRejected: Bool) {
        exchange = nil
        guard let target = server.credential else {
            // Its entry says that it asks for nothing, and now it does.
            perform(machine.renewed(.refused(.needsSignIn)))
            return
        }
        arm()
        let source = gate.credentials
        let rejected = isRejected ? authorization : nil
        path.loop.makeFutureWithTask { await source.renew(target, rejected: rejected) }
            .assumeIsolated()
            .whenSuccess { self.renewed($0) }
    }

    private func renewed(_ state: CredentialState) {
        if case .ready(id: _, let header) = state { authorization = header }
        perform(machine.renewed(state))
    }
}

extension MCPMethod {
    /// Whether a server may get it twice by mistake: true for a request that only reads, and for the beginning of a
    /// session, since one session more does no harm.
    fileprivate var isRepeatable: Bool {
        switch self {
        case .initialize, .ping, .serverDiscover, .toolsList, .resourcesList, .resourceTemplatesList, .promptsList: true
        default: false
        }
    }
}
