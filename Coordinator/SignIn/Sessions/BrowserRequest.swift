internal import Contract

/// What a browser says of a request, in headers that no page can set.
package struct BrowserRequest: Sendable {
    /// The values of all `Cookie` headers.
    let cookies: [String]
    /// The values of `Origin` (RFC 6454).
    let origins: [String]
    /// The values of `Sec-Fetch-Site`, `Sec-Fetch-Mode` (W3C Fetch Metadata).
    let sites: [String]
    let modes: [String]

    /// - Parameter header: gives all values of a header by its name in lower case.
    package init(_ header: (String) -> [String]) {
        cookies = header("cookie")
        origins = header("origin")
        sites = header("sec-fetch-site")
        modes = header("sec-fetch-mode")
    }

    /// Whether the browser has a session's cookie, good or not.
    package var hasCookie: Bool { SessionCookie.secret(in: cookies) != nil }

    /// Refuses what another site's page asks in the person's name, where it is not the person going there.
    ///
    /// - Throws: `Refused`: `other_origin`.
    package func checkLook() throws {
        // Old browsers say nothing. A link that a person follows from elsewhere shows a page, and changes nothing.
        guard let site = sites.first, !["same-origin", "none"].contains(site) else { return }
        guard modes == ["navigate"] else { throw Refused.otherOrigin }
    }

    /// Refuses a change that is not asked for by a page of the coordinator's own origin.
    ///
    /// - Parameter origin: the coordinator's own, `https://HOST[:PORT]`.
    /// - Throws: `Refused`: `other_origin`.
    package func checkChange(origin: String) throws {
        // Every browser says where a POST comes from, and since 2023 each of them how near that is.
        guard origins.count == 1, origins[0].utf8.elementsEqual(origin.utf8), sites.isEmpty || sites == ["same-origin"]
        else { throw Refused.otherOrigin }
    }
}
