internal import Fetch

/// The authorities that a server's entry brings.
///
/// They vouch for the server, and nobody else does. An authorization server of another origin may be the organisation's, with the
/// same authority, or a public one: it is verified by these and those of the system.
struct OwnAuthorities: Sendable {
    let pem: String
    /// The origin of the server.
    let server: String?
}

extension FetchRequest {
    /// Has a request verify by the authorities of the entry that it is made for.
    func trusting(_ authorities: OwnAuthorities?) -> FetchRequest {
        guard let authorities else { return self }
        var request = self
        request.caPEM = authorities.pem
        request.trustsSystemToo = WebURL(url)?.origin != authorities.server
        return request
    }
}
