internal import Bytes
package import Policy
package import PolicyFile
package import StrictJSON
internal import TransparencyLog

/// The policy in force: the file as it was written, the rules as they were signed.
package struct AppliedPolicy: Sendable {
    /// 0 before any was applied.
    package let version: Int
    package let file: PolicyFile
    package let rules: PolicyRules
    /// As in the bundle; empty at version 0.
    package let digest: String
    /// The signed bundle; nil at version 0.
    package let note: String?
    /// When the bundle was signed, and from when on it denies everything, in seconds since 1970.
    let signedAt: Int
    let expiresAt: Int

    /// Before any was applied.
    static let none = AppliedPolicy(
        version: 0,
        file: .empty,
        rules: .empty,
        digest: "",
        note: nil,
        signedAt: 0,
        expiresAt: 0
    )

    /// Names exactly this file at this version: an entity tag without its quotation marks.
    package var tag: String { Self.tag(version: version, file: file.bytes) }

    static func tag(version: Int, file: [UInt8]) -> String { "\(version)-\(Hash.of(file).base64URL.prefix(22))" }

    /// `application/json` or `application/yaml`, by what the file is.
    package var mediaType: String { Self.mediaType(of: file.bytes) }

    static func mediaType(of file: [UInt8]) -> String {
        (try? JSONValue(parsing: file)) == nil ? "application/yaml" : "application/json"
    }

    /// As `PUT /v1/policy` answers.
    package var json: JSONValue {
        var object: JSONObject = ["version": .int(version), "digest": .text(digest), "etag": .text("\"\(tag)\"")]
        if version > 0 { object["expires"] = .text(UTCTime(seconds: expiresAt).shortText) }
        return .object(object)
    }

    /// The roles of the file with who has them, as `GET /v1/roles` shows them.
    package var roles: JSONValue {
        .array(
            file.roles.map { role in
                let binds = file.binds.enumerated().filter { $0.element.role == role.name }.map { index, bind in
                    var object: JSONObject = ["rule": .text("bind/\(index)")]
                    switch bind.who {
                    case .user(let email): object["user"] = .text(email.text)
                    case .group(let group): object["group"] = group.json
                    case .everyone: object["everyone"] = true
                    }
                    object["clients"] = bind.clients.map { .array($0.map(\.json)) }
                    return JSONValue.object(object)
                }
                return [
                    "name": .string(role.name), "grant": .array(role.grants.map(\.json)), "bind": .array(binds),
                ]
            }
        )
    }
}
