import Addresses

/// The one client for URLs that strangers choose (OAuth metadata, token endpoints) and for the coordinator.
///
/// HTTPS only, except for `http` to this machine where the rule admits loopback. Every address is judged after it
/// was resolved, on each hop. Cancelling the calling task ends the transfer at once. No request is ever sent twice
/// by the fetcher itself, unless the rule is `any` and a kept connection turns out dead.
package final class Fetcher: Sendable {
    private let worker = CurlWorker()
    private let proxies: ProxyEnvironment
    private let resolving: [String]

    /// `resolving` holds fixed addresses as `NAME:PORT:ADDRESS[,ADDRESS]`, which tests use in place of a name server.
    package init(proxies: ProxyEnvironment = ProxyEnvironment(), resolving: [String] = []) {
        self.proxies = proxies
        self.resolving = resolving
    }

    deinit {
        worker.stop()
    }

    /// Ends what is under way with `.stopped`; later requests end the same way.
    package func shutdown() {
        worker.stop()
    }

    /// Sends the request and gives the whole answer, of whatever status; throws `FetchError` alone.
    package func fetch(_ request: FetchRequest) async throws -> FetchResponse {
        let deadline = ContinuousClock.now + request.timeout
        var hop = request
        for _ in 0...request.redirects {
            let response = try await exchange(hop, sink: nil)
            guard request.redirects > 0, let redirect = response.redirect, hop.method == "GET" || hop.method == "HEAD"
            else {
                return response
            }
            guard let from = WebURL(hop.url), let to = WebURL(redirect) else {
                throw FetchError(.badURL, "a redirect names no usable URL", next: "Check the URL.", sent: .maybe)
            }
            if to.origin != from.origin { hop.headers.removeAll { $0.0.lowercased() != "accept" } }
            hop.url = redirect
            hop.timeout = deadline - .now
        }
        throw FetchError(
            .tooManyRedirects,
            "more than \(request.redirects) redirects",
            next: "Check the URL.",
            sent: .maybe
        )
    }

    /// Sends the request and hands out the answer as it comes, on the fetcher's own thread: the closures must be
    /// quick.
    ///
    /// Returns when the stream has ended. Redirects are not followed.
    package func stream(
        _ request: FetchRequest,
        onHead: @escaping @Sendable (FetchResponse) -> Void,
        onBytes: @escaping @Sendable ([UInt8]) -> Void
    ) async throws {
        _ = try await exchange(request, sink: Transfer.Sink(onHead: onHead, onBytes: onBytes))
    }

    private func exchange(_ request: FetchRequest, sink: Transfer.Sink?) async throws -> FetchResponse {
        let (url, proxy) = try check(request)
        let id = worker.nextID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let transfer = Transfer(request, url: url, proxy: proxy, resolving: resolving, sink: sink) { outcome in
                    continuation.resume(with: outcome)
                }
                worker.submit(transfer, id: id)
                // A task that was cancelled before the line above has run its handler for nothing.
                if Task.isCancelled { worker.cancel(id) }
            }
        } onCancel: {
            worker.cancel(id)
        }
    }

    /// What can be refused without a connection.
    private func check(_ request: FetchRequest) throws -> (url: WebURL, proxy: String?) {
        guard let url = WebURL(request.url) else {
            throw FetchError(.badURL, "this is no URL that can be fetched", next: "Give an absolute https URL.")
        }
        guard request.timeout > .zero else {
            throw FetchError(.timeout, "no time is left for \(url.authority)", next: "Try again later.")
        }
        guard url.scheme == "https" || request.unixSocket != nil || request.addresses != .publicOnly else {
            throw FetchError(.badURL, "\(url.authority) would be asked without encryption", next: "Give an https URL.")
        }
        let isClean = request.headers.allSatisfy { name, value in
            !name.isEmpty && name.utf8.allSatisfy { Self.isTokenByte($0) }
                && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
        }
        guard isClean, !request.method.isEmpty, request.method.utf8.allSatisfy({ Self.isTokenByte($0) }) else {
            throw FetchError(.badRequest, "a header cannot be written on one line", next: "Check names and tokens.")
        }
        let proxy = request.unixSocket == nil ? proxies.proxy(for: url) : nil
        // The socket callback sees the proxy's address: literals are judged here, names are the proxy's to resolve.
        if proxy != nil, let address = url.address, !request.addresses.admits(address) {
            throw FetchError(
                .refusedAddress,
                "\(url.authority) is \(address.kind.inWords), where this request must not go",
                next: "Use a server on the public internet."
            )
        }
        return (url, proxy)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
