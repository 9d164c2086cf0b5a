package import Bytes
package import StrictJSON
internal import TransparencyLog

/// The rules of the organisation, as they are signed: no people, no tests.
package struct PolicyBundle: Sendable, Equatable {
    /// Rises by one with each change.
    package let version: Int
    /// Base64url of the SHA-256 of the canonical bytes of `rules`.
    package let digest: String
    package let notBefore: UTCTime
    /// From here on everything is denied.
    package let expires: UTCTime
    /// See `PolicyRules`.
    package let rules: JSONValue

    /// A bundle of `rules`; throws `JSONError` if they have no canonical spelling.
    package init(version: Int, rules: JSONValue, notBefore: UTCTime, expires: UTCTime) throws {
        self.version = version
        self.rules = rules
        self.notBefore = notBefore
        self.expires = expires
        digest = Self.digest(canonicalRules: try rules.canonicalBytes())
    }

    /// The digest of rules.
    package static func digest(canonicalRules: [UInt8]) -> String { Hash.of(canonicalRules).base64URL }

    package var json: JSONValue {
        [
            "v": 1, "kind": "bundle", "version": .int(version), "digest": .text(digest),
            "not_before": .text(notBefore.text), "expires": .text(expires.text), "rules": rules,
        ]
    }

    /// Reads a bundle and compares the digest; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            try reader.header(kind: "bundle")
            let digest = try reader.text("digest")
            let bundle = try PolicyBundle(
                version: try reader.int("version", in: 1...Int.max),
                rules: try reader.required("rules"),
                notBefore: try reader.time("not_before"),
                expires: try reader.time("expires")
            )
            guard bundle.digest.utf8.elementsEqual(digest.utf8) else {
                throw ShapeError(reader.path("digest"), "is not the digest of the rules")
            }
            return bundle
        }
    }
}
