internal import Bytes
internal import Contract
internal import Foundation
internal import JWTKit
internal import StrictJSON

/// An ID token of a provider (OpenID Connect Core 1.0, section 2) that was not judged yet.
struct IDToken: Sendable {
    let algorithm: ProviderKeys.Algorithm
    let kid: String?
    private let text: String
    private let payload: [UInt8]

    /// The longest that is read.
    static let longest = 64 << 10

    /// Reads header and form; nothing is believed yet.
    ///
    /// - Throws: `Refused`, `provider_answer`, for a token of another form, and for algorithms that are not taken.
    init(_ text: String) throws {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.longest, parts.count == 3, let head = Base64.decodeURL(parts[0]),
            let payload = Base64.decodeURL(parts[1]),
            let header = try? JSONValue(parsing: head, limits: JSONLimits(maxBytes: 4 << 10, maxDepth: 8))
        else { throw Refused.providerAnswer("its ID token cannot be read") }
        guard let algorithm = header["alg"]?.text.flatMap({ ProviderKeys.Algorithm(rawValue: $0) }) else {
            throw Refused.providerAnswer("its ID token is signed in a way that is not taken")
        }
        // Extensions that have to be understood (RFC 7515 section 4.1.11): there are none.
        guard header["crit"] == nil else {
            throw Refused.providerAnswer("its ID token asks for what is not known here")
        }
        self.algorithm = algorithm
        kid = header["kid"]?.text
        self.text = text
        self.payload = payload
    }

    /// The claims, once the signature was found good.
    ///
    /// - Parameter key: one key, as `ProviderKeys` gives it: the token has no say in which one is asked.
    /// - Returns: an object.
    /// - Throws: `Refused`, `provider_answer`.
    func claims(verifiedBy key: JSONValue) async throws -> JSONValue {
        do {
            let jwk = try JSONDecoder().decode(JWK.self, from: Data(key.bytes))
            let keys = try await JWTKeyCollection().add(jwk: jwk)
            // The claims are read below, in one reading.
            _ = try await keys.verify(text, as: Unread.self)
        } catch {
            throw Refused.providerAnswer("the signature of its ID token is not good")
        }
        guard let claims = try? JSONValue(parsing: payload), claims.object != nil else {
            throw Refused.providerAnswer("the claims of its ID token cannot be read in one way only")
        }
        return claims
    }

    private struct Unread: JWTPayload {
        init(from decoder: any Decoder) throws {}
        func encode(to encoder: any Encoder) throws {}
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }
}
