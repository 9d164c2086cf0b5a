internal import Glibc
internal import Wire

/// The connections to a `LoopbackRedirect`, each with a few seconds to say something.
struct CallbackConnections {
    private struct Connection {
        let descriptor: Int32
        let deadline: ContinuousClock.Instant
        var bytes: [UInt8] = []
        var scanner = RequestHeadScanner(maxBytes: CallbackConnections.longestHead)
    }

    private static let most = 16
    private static let longestHead = 16_384
    private static let patience = Duration.seconds(5)
    /// How long no new connection is let in after there was no file for it.
    private static let rest = Duration.milliseconds(250)

    private let takeNext: (Int32) -> Int32
    private var open: [Connection] = []
    private var restsUntil: ContinuousClock.Instant?

    /// No connections yet; `takeNext` is accept(2), for a test that has it fail.
    init(takeNext: @escaping (Int32) -> Int32 = { Glibc.accept($0, nil, nil) }) {
        self.takeNext = takeNext
    }

    /// Waits a little for something to happen.
    ///
    /// - Parameters:
    ///   - listener: where new connections come from.
    ///   - isOwn: whether the other end of a connection belongs to this user; others are closed without an answer.
    /// - Returns: the connections on which a whole head of a request has come, with what it asks for.
    mutating func poll(_ listener: Int32, isOwn: (Int32) -> Bool) -> [(Int32, CallbackRequest)] {
        var watched = ([listener] + open.map(\.descriptor)).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // A connection that cannot be let in now would make each poll end at once.
        if let restsUntil, .now < restsUntil { watched[0].events = 0 }
        _ = Glibc.poll(&watched, nfds_t(watched.count), 250)
        var requests: [(Int32, CallbackRequest)] = []
        for each in watched.dropFirst() where each.revents != 0 {
            if let request = read(each.fd) { requests.append((each.fd, request)) }
        }
        if watched[0].revents != 0 { accept(listener, isOwn) }
        for each in open where each.deadline < .now { close(each.descriptor) }
        return requests
    }

    /// Answers with a page, and closes.
    mutating func answer(_ descriptor: Int32, _ page: CallbackPage) {
        let bytes = page.bytes
        // A page is smaller than any socket's buffer: it goes out whole or not at all.
        _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        shutdown(descriptor, Int32(SHUT_WR))
        close(descriptor)
    }

    mutating func closeAll() {
        for each in open { close(each.descriptor) }
    }

    private mutating func accept(_ listener: Int32, _ isOwn: (Int32) -> Bool) {
        let descriptor = takeNext(listener)
        guard descriptor >= 0 else {
            if [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(errno) {
                // The one that has waited longest may be the browser's own idle one; it makes room for the answer.
                if let oldest = open.first { close(oldest.descriptor) }
                restsUntil = .now + Self.rest
            }
            return
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        guard isOwn(descriptor) else {
            Glibc.close(descriptor)
            return
        }
        if open.count == Self.most { close(open[0].descriptor) }
        open.append(Connection(descriptor: descriptor, deadline: .now + Self.patience))
    }

    /// Reads what has come; the request where its head is whole, or is not one.
    private mutating func read(_ descriptor: Int32) -> CallbackRequest? {
        guard let index = open.firstIndex(where: { $0.descriptor == descriptor }) else { return nil }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return nil }
        guard count > 0 else {
            close(descriptor)
            return nil
        }
        open[index].bytes += chunk[..<count]
        let bytes = open[index].bytes
        switch bytes.withUnsafeBytes({ open[index].scanner.scan($0) }) {
        case .incomplete:
            return nil
        case .refused(.tooLong):
            // An answer would be lost: there is more of it to come.
            close(descriptor)
            return nil
        case .refused:
            return CallbackRequest()
        case .complete:
            return bytes.withUnsafeBytes { CallbackRequest(open[index].scanner.head, $0) }
        }
    }

    private mutating func close(_ descriptor: Int32) {
        guard let index = open.firstIndex(where: { $0.descriptor == descriptor }) else { return }
        open.remove(at: index)
        Glibc.close(descriptor)
    }
}

/// What a request of the browser asks for; nothing of it where its head is refused.
struct CallbackRequest {
    private(set) var isGet = false
    private(set) var path = ""
    private(set) var query: String?
    private(set) var host: String?

    init() {}

    /// Takes it out of the bytes that were scanned.
    init(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) {
        isGet = head.method == .get
        path = String(decoding: head.path.slice(of: bytes), as: UTF8.self)
        query = head.query.map { String(decoding: $0.slice(of: bytes), as: UTF8.self) }
        host = head.value(.host, in: bytes).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The page that the browser shows in the end: text, no scripts, nothing that a stranger wrote.
enum CallbackPage: CaseIterable {
    case done, foreign, notFound

    private var status: String {
        switch self {
        case .done: "200 OK"
        case .foreign: "400 Bad Request"
        case .notFound: "404 Not Found"
        }
    }

    private var words: (title: String, text: String) {
        switch self {
        case .done:
            (
                "Back to Doorward",
                "Doorward has the answer and finishes the sign-in where you began. You can close this page."
            )
        case .foreign: ("Not this sign-in", "This page does not answer the sign-in that waits here.")
        case .notFound: ("Nothing here", "This address only waits for the end of a sign-in.")
        }
    }

    /// The whole answer.
    var bytes: [UInt8] {
        let body = """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>Doorward: \(words.title)</title>
            <style>body{font:1.1rem system-ui;margin:20vh auto;max-width:32rem;padding:0 1rem;text-align:center}</style>
            <h1>\(words.title)</h1><p>\(words.text)</p></html>

            """
        let head = [
            "HTTP/1.1 \(status)", "Content-Type: text/html; charset=utf-8", "Content-Length: \(body.utf8.count)",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'", "Referrer-Policy: no-referrer",
            "X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Connection: close", "", "",
        ]
        return Array((head.joined(separator: "\r\n") + body).utf8)
    }
}
