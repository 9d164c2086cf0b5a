internal import Addresses
internal import Contract
internal import Fetch
package import StrictJSON

/// A registry that is asked again and again what there is.
package struct UpstreamSetting: Sendable, Equatable {
    /// What proposals have as their source; an alias.
    package let name: String
    /// Without `/v0.1/servers`, and without a slash at its end.
    package let url: String
    /// Seconds between two questions.
    package let every: Int
    /// The names of the servers that are taken, exact or with one `*` at the end; empty: all of them.
    package let only: [String]
    /// Whether it may be on this machine, and on private networks.
    package let allowsLoopback: Bool
    package let allowsPrivate: Bool
    /// The authorities that its certificate is verified by, and no others, in PEM; nil for those of the system.
    package let authorities: String?

    private static let usualInterval = 3600

    /// Reads the members; throws `ShapeError`.
    init(members reader: inout ObjectReader) throws {
        name = try reader.text("name")
        guard ServerAlias.isValid(name) else {
            throw ShapeError(reader.path("name"), "must be 1 to 32 of a-z, 0-9 and -, not beginning with -")
        }
        url = try reader.text("url")
        every = try reader.optionalInt("every", in: 60...2_592_000) ?? Self.usualInterval
        only = try reader.optionalTexts("only") ?? []
        guard only.count <= 100, only.allSatisfy({ (1...200).contains($0.utf8.count) }) else {
            throw ShapeError(reader.path("only"), "must be up to 100 names")
        }
        allowsLoopback = try reader.optionalBool("allow_loopback") ?? false
        allowsPrivate = try reader.optionalBool("allow_private") ?? false
        authorities = try reader.optionalText("ca")
        if let authorities, !PEM.isCertificates(authorities) {
            throw ShapeError(reader.path("ca"), "must be one to 16 certificates in PEM, and nothing else")
        }
        do {
            try Self.check(url, allowsLoopback: allowsLoopback)
        } catch {
            throw ShapeError(reader.path("url"), error.why)
        }
    }

    /// One that is asked once.
    package init(once url: String, only: [String] = []) throws(ShapeError) {
        (name, self.url, every, self.only) = ("", url, Self.usualInterval, only)
        (allowsLoopback, allowsPrivate, authorities) = (false, false, nil)
        try Self.check(url, allowsLoopback: false)
    }

    private static func check(_ url: String, allowsLoopback: Bool) throws(ShapeError) {
        let parsed: ServerURL
        do {
            parsed = try ServerURL(url)
        } catch {
            throw ShapeError("url", error.why)
        }
        guard !url.contains("?"), !url.hasSuffix("/") else {
            throw ShapeError("url", "must be that of the registry, without /v0.1/servers and a slash behind it")
        }
        guard parsed.isLoopback ? allowsLoopback : parsed.isSecure else {
            throw ShapeError(
                "url",
                parsed.isLoopback ? "is on this machine, which needs allow_loopback" : "must be https"
            )
        }
    }

    /// Whether a server of this name is taken.
    func takes(_ name: String) -> Bool {
        only.isEmpty
            || only.contains { pattern in
                pattern.hasSuffix("*")
                    ? name.utf8.starts(with: pattern.utf8.dropLast()) : name.utf8.elementsEqual(pattern.utf8)
            }
    }

    /// Where it may lead.
    var addresses: AddressRule {
        AddressRule(allowsLoopback: allowsLoopback, ofAnybody: true, allowsPrivate: allowsPrivate)
    }

    /// The document, with what is not the usual alone.
    package var json: JSONValue {
        var object: JSONObject = ["name": .text(name), "url": .text(url), "every": .int(every)]
        if !only.isEmpty { object["only"] = .array(only.map { .text($0) }) }
        if allowsLoopback { object["allow_loopback"] = true }
        if allowsPrivate { object["allow_private"] = true }
        object["ca"] = authorities.map { .text($0) }
        return .object(object)
    }
}
