internal import Bytes
internal import Dispatch
internal import Errors
internal import Glibc
internal import ServiceKit
internal import Synchronization

/// The address that the browser comes back to: one path on an ephemeral port of 127.0.0.1 (RFC 8252, 7.3).
///
/// It is bound before the address of the sign-in page is handed out, so no other program can be there first. It ends
/// with the first answer to this very sign-in; whatever else comes in is turned away and changes nothing.
package final class LoopbackRedirect: Sendable {
    private struct State {
        var isClosed = false
        /// Whether `listener` is still a descriptor of ours.
        var isListening = true
        var answer: [String: String]?
        var waiting: CheckedContinuation<[String: String]?, Never>?
    }

    /// `http://127.0.0.1:PORT/callback`.
    package let url: String
    package let port: Int
    let listener: Int32
    private let authority: String
    private let isOwn: @Sendable (Int32) -> Bool
    private let state = Mutex(State())

    /// Binds; nothing is answered before `open`.
    ///
    /// - Parameters:
    ///   - port: the port that is registered with the authorization server; nil: any that is free.
    ///   - isOwn: whether the other end of a connection belongs to this user.
    /// - Throws: `OAuthError` where the port cannot be had.
    package init(port: Int? = nil, isOwn: @escaping @Sendable (Int32) -> Bool) throws {
        self.isOwn = isOwn
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let listener = socket(AF_INET, kind, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port ?? 0).bigEndian
        // The connections of the last sign-in must not keep a fixed port from the next one.
        var on: Int32 = 1
        if port != nil { setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size)) }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        guard listener >= 0, isBound else {
            if listener >= 0 { Glibc.close(listener) }
            guard let port else {
                throw OAuthError(.unavailable, "No port of this machine can be had for the browser's answer.")
            }
            throw OAuthError(
                .unavailable,
                "Port \(port), which is registered for the browser's answer, is taken on this machine.",
                next: "See which program has it: ss -tlnp 'sport = :\(port)'"
            )
        }
        self.listener = listener
        self.port = Int(UInt16(bigEndian: address.sin_port))
        authority = "127.0.0.1:\(self.port)"
        url = "http://\(authority)/callback"
    }

    deinit { stopListening() }

    /// Answers on a thread of its own, until the first query that `judge` takes for an answer, or `close`.
    package func open(judge: @escaping @Sendable ([String: String]) -> Bool) {
        DispatchQueue(label: "doorward.oauth.redirect").async { [self] in serve(judge) }
    }

    /// The query that the browser brought; nil when this was closed before one came.
    package func wait() async -> [String: String]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known: [String: String]?? = state.withLock { state in
                    if let answer = state.answer { return .some(answer) }
                    if state.isClosed { return .some(nil) }
                    state.waiting = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            close()
        }
    }

    /// Ends it; a caller that waits gets nil.
    package func close() {
        end(with: nil)
        // Wakes the thread out of its poll.
        state.withLock { if $0.isListening { shutdown(listener, Int32(SHUT_RDWR)) } }
    }

    private func stopListening() {
        state.withLock { state in
            if state.isListening { Glibc.close(listener) }
            state.isListening = false
        }
    }

    private func end(with answer: [String: String]?) {
        let waiting = state.withLock { state -> CheckedContinuation<[String: String]?, Never>? in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            state.answer = answer
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: answer)
    }

    // MARK: On its own thread

    /// Several connections at once: browsers open some that they do not use, and others may try to keep them out.
    private func serve(_ judge: ([String: String]) -> Bool) {
        var connections = CallbackConnections()
        defer {
            connections.closeAll()
            stopListening()
        }
        while !state.withLock({ $0.isClosed }) {
            for (connection, request) in connections.poll(listener, isOwn: isOwn) {
                guard let query = query(of: request) else {
                    connections.answer(connection, .notFound)
                    continue
                }
                guard judge(query) else {
                    connections.answer(connection, .foreign)
                    continue
                }
                connections.answer(connection, .done)
                return end(with: query)
            }
        }
    }

    /// The fields of a request that is for this address; nil for any other.
    private func query(of request: CallbackRequest) -> [String: String]? {
        guard request.isGet, request.path == "/callback", request.host == authority, let query = request.query else {
            return nil
        }
        return FormBody.decode(query[...])
    }
}
