internal import Bytes
internal import StrictJSON

// What is beyond the public internet and its authorities, for servers within an organisation.
extension ServerEntry {
    /// What one entry opens for itself.
    package struct Reach: Sendable, Equatable {
        /// Whether the URL, and OAuth endpoints met for it, may be on private networks.
        package var allowsPrivate = false
        /// The authorities that its certificate is verified by, and no others, in PEM; nil for those of the system.
        package var authorities: String?

        package init() {}

        /// The members of the document; only what is not the standard, as earlier agents do not know them.
        var members: JSONObject {
            var members = JSONObject()
            if allowsPrivate { members["allow_private"] = true }
            members["ca"] = authorities.map { .text($0) }
            return members
        }
    }

    /// Throws where a program has what is about URLs alone.
    static func check(_ reach: Reach, _ transport: Transport, at place: String) throws(ShapeError) {
        guard case .stdio = transport, reach != Reach() else { return }
        throw ShapeError(place, "cannot stand beside allow_private or ca")
    }
}

extension ObjectReader {
    /// `allow_private` and `ca`.
    mutating func reach() throws -> ServerEntry.Reach {
        var reach = ServerEntry.Reach()
        reach.allowsPrivate = try optionalBool("allow_private") ?? false
        guard let text = try optionalText("ca") else { return reach }
        guard PEM.certificates(text) != nil else {
            throw ShapeError(path("ca"), "must be one to 16 certificates in PEM, and nothing else")
        }
        reach.authorities = text
        return reach
    }
}

/// The text form of certificates (RFC 7468).
package enum PEM {
    private static let begin = "-----BEGIN CERTIFICATE-----"
    private static let end = "-----END CERTIFICATE-----"
    private static let most = 16
    private static let longest = 32 << 10

    /// Whether a text is one to 16 certificates, as far as can be told without reading them, and nothing else.
    package static func isCertificates(_ text: String) -> Bool { certificates(text) != nil }

    /// The certificates of a text, as far as can be told without reading them; nil where there are none, or where there is
    /// something else, a private key above all.
    static func certificates(_ text: String) -> [[UInt8]]? {
        guard text.utf8.count <= longest else { return nil }
        var found: [[UInt8]] = []
        var body: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let line = String(line.trimmingPrefix { $0 == " " || $0 == "\t" })
            switch (line, body) {
            case ("", _): continue
            case (begin, nil): body = ""
            case (end, let whole?):
                // A certificate is an ASN.1 SEQUENCE.
                guard let bytes = Base64.decodeStandard(Array(whole.utf8)), bytes.first == 0x30 else { return nil }
                found.append(bytes)
                body = nil
            case (_, let part?): body = part + line
            default: return nil
            }
        }
        return body == nil && (1...most).contains(found.count) ? found : nil
    }
}
