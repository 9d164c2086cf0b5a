internal import Bytes
internal import StrictJSON

/// The keys that a provider signs with (RFC 7517), those of them that may verify an ID token.
struct ProviderKeys: Sendable {
    /// A signature algorithm that is taken: none of a shared secret, and not `none` (RFC 8725 section 3.1).
    enum Algorithm: String, Sendable, CaseIterable {
        case rs256 = "RS256"
        case rs384 = "RS384"
        case rs512 = "RS512"
        case ps256 = "PS256"
        case ps384 = "PS384"
        case ps512 = "PS512"
        case es256 = "ES256"
        case es384 = "ES384"
        case es512 = "ES512"
        case eddsa = "EdDSA"

        /// The members of a key for it, in the words of RFC 7518 and RFC 8037.
        fileprivate var form: (kind: String, curve: String?, members: [JSONText]) {
            switch self {
            case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: ("RSA", nil, ["n", "e"])
            case .es256: ("EC", "P-256", ["crv", "x", "y"])
            case .es384: ("EC", "P-384", ["crv", "x", "y"])
            case .es512: ("EC", "P-521", ["crv", "x", "y"])
            case .eddsa: ("OKP", "Ed25519", ["crv", "x"])
            }
        }
    }

    private let keys: [JSONValue]

    /// Reads a set of keys; what is none in it is left out.
    init(_ json: JSONValue) {
        keys = (json["keys"]?.array ?? []).prefix(100).filter { $0.object != nil }
    }

    /// Whether a key has this name.
    func has(_ kid: String) -> Bool { keys.contains { $0["kid"] == .text(kid) } }

    /// The one key of a token's header as a JWK that has nothing beside what the algorithm takes; nil where there is
    /// none, or where it is open which.
    ///
    /// - Parameters:
    ///   - kid: The name in the header; a header without one leaves no choice where one key alone fits.
    ///   - algorithm: That of the header. A key that says for which it is serves no other.
    /// - Returns: The key.
    func key(_ kid: String?, for algorithm: Algorithm) -> JSONValue? {
        let fitting = keys.compactMap { key -> JSONValue? in
            guard kid.map({ key["kid"] == .text($0) }) ?? true else { return nil }
            return Self.plain(key, for: algorithm)
        }
        return fitting.count == 1 ? fitting[0] : nil
    }

    private static func plain(_ key: JSONValue, for algorithm: Algorithm) -> JSONValue? {
        let (kind, curve, members) = algorithm.form
        guard key["kty"]?.text == kind, curve == nil || key["crv"]?.text == curve,
            key["use"].map({ $0.text == "sig" }) ?? true, key["alg"].map({ $0.text == algorithm.rawValue }) ?? true,
            key["key_ops"].map({ $0.array?.contains(.text("verify")) == true }) ?? true
        else { return nil }
        // RFC 7518 section 3.3.
        if kind == "RSA" {
            guard let modulus = key["n"]?.text.flatMap({ Base64.decodeURL($0.utf8) }),
                (256...2048).contains(modulus.drop { $0 == 0 }.count)
            else { return nil }
        }
        var object: JSONObject = ["kty": .text(kind), "kid": "key", "alg": .text(algorithm.rawValue)]
        for member in members {
            guard let value = key[member], value.text != nil else { return nil }
            object[member] = value
        }
        return .object(object)
    }
}
