internal import Dispatch
internal import Glibc
internal import Synchronization

/// The address that the browser comes back to: one path on an ephemeral port of 127.0.0.1 (RFC 8252, 7.3).
///
/// It is bound before the address of the sign-in page is handed out, so nobody else can be there first. It ends with the
/// first answer to this very sign-in; whatever else comes in is turned away and changes nothing.
///
/// Unchecked: `listener` is closed once, under `state`'s lock, and the thread that accepts on it ends then.
final class LoopbackRedirect: @unchecked Sendable {
    private struct State {
        var isClosed = false
        var answer: [String: String]?
        var waiting: CheckedContinuation<[String: String]?, Never>?
    }

    /// `http://127.0.0.1:PORT/callback`.
    let url: String
    private let listener: Int32
    private let authority: String
    private let state = Mutex(State())
    private let judge: @Sendable ([String: String]) -> Bool

    /// Binds.
    ///
    /// - Parameter judge: whether a query answers this sign-in; the first that does is the answer.
    /// - Throws: `OAuthError` where no port can be had.
    init(judge: @escaping @Sendable ([String: String]) -> Bool) throws {
        self.judge = judge
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        guard listener >= 0, isBound else {
            if listener >= 0 { Glibc.close(listener) }
            throw OAuthError(.unavailable, "No port of this machine can be had for the browser's answer.")
        }
        self.listener = listener
        authority = "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        url = "http://\(authority)/callback"
        DispatchQueue(label: "doorward.oauth.redirect").async { [self] in serve() }
    }

    /// The query that the browser brought; nil when the redirect was closed before one came.
    func wait() async -> [String: String]? {
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

    /// Ends it; whoever waits gets nil.
    func close() {
        let waiting = state.withLock { state -> CheckedContinuation<[String: String]?, Never>? in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            // Wakes the thread out of accept, which then closes it.
            shutdown(listener, Int32(SHUT_RDWR))
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: nil)
    }

    // MARK: On its own thread

    private func serve() {
        defer { Glibc.close(listener) }
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            let isAnswered = handle(connection)
            Glibc.close(connection)
            if isAnswered { return }
        }
    }

    /// Reads one request and answers it; whether it was the answer to the sign-in.
    private func handle(_ connection: Int32) -> Bool {
        // A connection that says nothing must not keep the browser out.
        var deadline = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &deadline, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &deadline, socklen_t(MemoryLayout<timeval>.size))
        guard let head = Self.readHead(connection) else { return false }
        guard let query = query(of: head) else {
            Self.send(RedirectPage.notFound, to: connection)
            return false
        }
        guard judge(query) else {
            Self.send(RedirectPage.foreign, to: connection)
            return false
        }
        Self.send(query["code"] == nil ? RedirectPage.failed : RedirectPage.done, to: connection)
        let waiting = state.withLock { state in
            state.answer = query
            state.isClosed = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: query)
        return true
    }

    /// The fields of a request that is for this address; nil for any other.
    private func query(of head: String) -> [String: String]? {
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        let hosts = lines.dropFirst().filter { $0.lowercased().hasPrefix("host:") }
        guard words.count == 3, words[0] == "GET", words[1].hasPrefix("/callback?"), hosts.count == 1,
            hosts[0].dropFirst(5).drop(while: { $0 == " " }) == authority
        else { return nil }
        return FormBody.decode(words[1].dropFirst("/callback?".count))
    }

    private static func readHead(_ connection: Int32) -> String? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 16_384 {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            if text.utf8.count >= 4, text.hasSuffix("\r\n\r\n") { return text }
        }
        return nil
    }

    private static func send(_ page: [UInt8], to connection: Int32) {
        _ = page.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        shutdown(connection, Int32(SHUT_WR))
    }
}

/// What the browser shows in the end: words, no scripts, nothing that a stranger wrote.
enum RedirectPage {
    static let done = page("200 OK", "Signed in", "You can close this page and go back to your work.")
    static let failed = page(
        "200 OK",
        "Not signed in",
        "The server did not sign you in. Doorward tells why where you began."
    )
    static let foreign = page(
        "400 Bad Request",
        "Not this sign-in",
        "This page does not answer the sign-in that waits here."
    )
    static let notFound = page("404 Not Found", "Nothing here", "This address only waits for the end of a sign-in.")

    private static func page(_ status: String, _ title: String, _ words: String) -> [UInt8] {
        let body = """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>Doorward: \(title)</title>
            <style>body{font:1.1rem system-ui;margin:20vh auto;max-width:32rem;padding:0 1rem;text-align:center}</style>
            <h1>\(title)</h1><p>\(words)</p></html>

            """
        let head = [
            "HTTP/1.1 \(status)", "Content-Type: text/html; charset=utf-8", "Content-Length: \(body.utf8.count)",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'", "Referrer-Policy: no-referrer",
            "Cache-Control: no-store", "Connection: close", "", "",
        ]
        return Array((head.joined(separator: "\r\n") + body).utf8)
    }
}
