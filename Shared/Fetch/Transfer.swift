import Addresses
import CCurl
import Glibc

/// One exchange with one server, without redirects: the curl handle, what was decided about it, and what came back.
///
/// Unchecked: built by one task, then handed through the worker's mailbox, and from there on touched by the
/// worker's thread alone (curl calls back on it, inside `curl_multi_perform`).
final class Transfer: @unchecked Sendable {
    /// Where a stream goes as it arrives; called on the worker's thread.
    struct Sink: Sendable {
        let onHead: @Sendable (FetchResponse) -> Void
        let onBytes: @Sendable ([UInt8]) -> Void
    }

    let request: FetchRequest
    let url: WebURL
    let proxy: String?
    let handle: UnsafeMutableRawPointer
    private let sink: Sink?
    private let finished: @Sendable (Result<FetchResponse, FetchError>) -> Void

    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private var status = 0
    private var headers: [(name: String, value: String)] = []
    private var headBytes = 0
    private var headDone = false
    /// How much of the request's body curl has asked for.
    var given = 0
    private var body: [UInt8] = []
    private var received = 0
    private(set) var outgrown = false
    /// Why the answer could not be written.
    private(set) var unwritten: String?
    var refused: IPAddress?
    var admitted = false
    /// What is wrong with the owner of a port of this machine.
    var foreign: String?

    static let maxHeadBytes = 256 << 10

    init(
        _ request: FetchRequest,
        url: WebURL,
        proxy: String?,
        resolving: [String],
        sink: Sink?,
        finished: @escaping @Sendable (Result<FetchResponse, FetchError>) -> Void
    ) {
        guard let handle = curl_easy_init() else { fatalError("out of memory") }
        self.request = request
        self.url = url
        self.proxy = proxy
        self.handle = handle
        self.sink = sink
        self.finished = finished
        setUpConnection(resolving)
        setUpRequest()
        setUpCallbacks()
    }

    deinit {
        curl_easy_cleanup(handle)
        for list in lists { curl_slist_free_all(list) }
    }

    // MARK: - Options

    private func setUpConnection(_ resolving: [String]) {
        cc_set_text(handle, CURLOPT_URL, url.text)
        cc_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        // Empty texts, not absent ones: curl must not read the environment a second time, its own way.
        cc_set_text(handle, CURLOPT_PROXY, proxy ?? "")
        cc_set_text(handle, CURLOPT_NOPROXY, "")
        cc_set_long(handle, CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        cc_set_long(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        cc_set_long(handle, CURLOPT_NOSIGNAL, 1)
        // A name server that does not answer would otherwise hold the one thread when a transfer is given up.
        cc_set_long(handle, CURLOPT_QUICK_EXIT, 1)
        cc_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        cc_set_long(handle, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        cc_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1)
        if request.addresses != .any {
            // A connection that another rule admitted would go past the socket callback; and a reused one that
            // turns out dead makes curl send the request twice, which a refresh token does not survive.
            cc_set_long(handle, CURLOPT_FRESH_CONNECT, 1)
            cc_set_long(handle, CURLOPT_FORBID_REUSE, 1)
        }
        if let pem = request.caPEM {
            let bytes = Array(pem.utf8)
            cc_set_blob(handle, CURLOPT_CAINFO_BLOB, bytes, bytes.count)
            if !request.trustsSystemToo { cc_set_text(handle, CURLOPT_CAPATH, nil) }
        }
        if let path = request.unixSocket { cc_set_text(handle, CURLOPT_UNIX_SOCKET_PATH, path) }
        setList(CURLOPT_RESOLVE, resolving)
        let milliseconds = request.timeout.milliseconds
        if request.timeout < FetchRequest.unlimited { cc_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds) }
        cc_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, min(milliseconds, 10_000))
        if sink == nil { cc_set_size(handle, CURLOPT_MAXFILESIZE_LARGE, Int64(request.maxBytes)) }
    }

    private func setUpRequest() {
        // Curl makes up an `Expect` for long bodies and a form's `Content-Type` for any: a bare name takes it away.
        var lines = ["Expect:"]
        if !request.headers.contains(where: { $0.0.lowercased() == "content-type" }) { lines.append("Content-Type:") }
        if !request.headers.contains(where: { $0.0.lowercased() == "user-agent" }) {
            lines.append("User-Agent: doorward")
        }
        for (name, value) in request.headers { lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)") }
        setList(CURLOPT_HTTPHEADER, lines)

        if request.method == "HEAD" {
            cc_set_long(handle, CURLOPT_NOBODY, 1)
        } else if request.body != nil || request.method == "POST" {
            setUpBody(request.body ?? [])
            cc_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method)
        } else {
            cc_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    private func setList(_ option: CURLoption, _ lines: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines { list = curl_slist_append(list, line) }
        guard let list else { return }
        lists.append(list)
        cc_set_list(handle, option, list)
    }

    private func setUpCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        cc_set_context(handle, CURLOPT_PRIVATE, context)
        cc_set_context(handle, CURLOPT_WRITEDATA, context)
        cc_set_context(handle, CURLOPT_HEADERDATA, context)
        cc_set_context(handle, CURLOPT_OPENSOCKETDATA, context)
        cc_set_context(handle, CURLOPT_PREREQDATA, context)
        cc_on_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.from(context).take(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        cc_on_write(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.from(context).take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        cc_on_open_socket(handle) { context, _, address in
            Transfer.from(context).openSocket(address)
        }
        cc_on_connected(handle) { context, server, client, serverPort, clientPort in
            let isOurs = Transfer.from(context).checkOwner(server, serverPort, client, clientPort)
            return Int32(isOurs ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT)
        }
    }

    static func from(_ context: UnsafeMutableRawPointer?) -> Transfer {
        guard let context else { fatalError("curl lost the context of a transfer") }
        return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: - What curl calls

    private func take(header line: UnsafeRawBufferPointer) -> Int {
        guard !headDone else { return line.count }  // trailers
        headBytes += line.count
        guard headBytes <= Self.maxHeadBytes else {
            outgrown = true
            return 0
        }
        var text = String(decoding: line, as: UTF8.self)[...]
        while text.unicodeScalars.last == "\n" || text.unicodeScalars.last == "\r" { text.unicodeScalars.removeLast() }
        if text.hasPrefix("HTTP/") {
            status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            headers = []
        } else if text.isEmpty {
            headDone = status >= 200
            if headDone { sink?.onHead(FetchResponse(status: status, headers: headers, url: url.text)) }
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append((text[..<colon].lowercased(), String(value)))
        }
        return line.count
    }

    private func take(body bytes: UnsafeRawBufferPointer) -> Int {
        received += bytes.count
        let file = (200..<300).contains(status) ? request.file : nil
        // What is not the answer for the request's file stays in memory.
        let most = request.file == file ? request.maxBytes : min(request.maxBytes, BodyFile.maxRefusalBytes)
        guard received <= most else {
            outgrown = true
            return 0
        }
        if let file {
            unwritten = BodyFile.write(bytes, to: file)
            return unwritten == nil ? bytes.count : 0
        } else if let sink {
            sink.onBytes(Array(bytes))
        } else {
            body.append(contentsOf: bytes)
        }
        return bytes.count
    }

    // MARK: - Outcome

    /// The end by curl's own word.
    func finish(_ code: CURLcode) {
        if code == CURLE_OK {
            let redirect = cc_get_text(handle, CURLINFO_REDIRECT_URL).map { String(cString: $0) }
            finished(
                .success(FetchResponse(status: status, headers: headers, body: body, url: url.text, redirect: redirect))
            )
        } else {
            finished(.failure(error(for: code)))
        }
    }

    /// The end by ours.
    func finish(_ code: FetchError.Kind) {
        let why = code == .cancelled ? "the request to \(url.authority) was cancelled" : "the program is ending"
        finished(.failure(FetchError(code, why, next: "Try again.", sent: sent)))
    }

    var sent: FetchError.Sent {
        cc_get_long(handle, CURLINFO_REQUEST_SIZE) > 0 ? .maybe : .no
    }

    /// What is wrong with the time of the server's certificate; nil where it is something else.
    var wrongTime: String? {
        // X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL.
        switch cc_get_long(handle, CURLINFO_SSL_VERIFYRESULT) {
        case 9: "its certificate is not valid yet"
        case 10: "its certificate has expired"
        default: nil
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int {
        let parts = components
        return max(1, Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000))
    }
}
