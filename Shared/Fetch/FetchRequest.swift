package import Addresses

/// One request, with every bound that it must keep.
package struct FetchRequest: Sendable, CustomStringConvertible {
    package var method: String
    package var url: String
    package var headers: [(String, String)]
    package var body: [UInt8]?
    /// From the call to the last byte of the answer.
    package var timeout: Duration
    /// The longest body that is taken; for `stream` the whole of the stream.
    package var maxBytes: Int
    package var addresses: AddressRule
    /// How many redirects are followed: each is judged like a first request, and to another origin it takes none of
    /// the headers along but `Accept`.
    ///
    /// Only GET and HEAD follow any.
    package var redirects: Int
    /// Certificates that are trusted in place of the system's, in PEM.
    package var caPEM: String?
    /// Whether the authorities of the system are trusted beside `caPEM`.
    package var trustsSystemToo = false
    /// A unix socket to connect to, in place of the URL's host.
    package var unixSocket: String?
    /// Where the body of a good answer (2xx) goes in place of memory: a descriptor that is open for writing until the
    /// answer is there.
    ///
    /// Written on the fetcher's own thread, so it is for programs that fetch nothing else meanwhile.
    package var file: Int32?

    /// A request without a time limit of its own, for streams that are ended by cancelling their task.
    package static let unlimited: Duration = .seconds(10 * 365 * 86400)

    package init(
        _ method: String = "GET",
        _ url: String,
        headers: [(String, String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration = .seconds(10),
        maxBytes: Int = 1 << 20,
        addresses: AddressRule = .publicOnly,
        redirects: Int = 0,
        caPEM: String? = nil,
        unixSocket: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maxBytes = maxBytes
        self.addresses = addresses
        self.redirects = redirects
        self.caPEM = caPEM
        self.unixSocket = unixSocket
    }

    /// Method and authority: the rest may hold secrets.
    package var description: String {
        "\(method) \(WebURL(url)?.authority ?? "-")"
    }
}

/// An answer, whole.
package struct FetchResponse: Sendable, CustomStringConvertible {
    package let status: Int
    /// In the order of the wire, names in lower case.
    package let headers: [(name: String, value: String)]
    /// Empty for a stream.
    package let body: [UInt8]
    /// Where the answer came from, after redirects.
    package let url: String
    /// The absolute URL that a redirect points to, where it was not followed.
    package let redirect: String?

    package init(
        status: Int,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        url: String = "",
        redirect: String? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url
        self.redirect = redirect
    }

    /// The value of the first header of this name (in lower case).
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// The values of all headers of this name (in lower case).
    package func headers(_ name: String) -> [String] {
        headers.filter { $0.name == name }.map(\.value)
    }

    /// The media type of the body without its parameters, in lower case.
    package var mediaType: String? {
        header("content-type")?.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first
            .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
    }

    /// Status and size: the rest may hold secrets.
    package var description: String {
        "\(status), \(body.count) bytes"
    }
}
