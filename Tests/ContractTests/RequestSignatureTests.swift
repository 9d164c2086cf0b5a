import Bytes
import Crypto
import StrictJSON
import Testing

@testable import Contract

@Suite("Signed requests")
struct RequestSignatureTests {
    private let key = Curve25519.Signing.PrivateKey()
    private let verifier = RequestVerifier(audience: "door.example:8443/audit")
    private let body = Array(#"{"a":1}"#.utf8)
    private let now = 1_800_000_000
    private var publicKey: [UInt8] { [UInt8](key.publicKey.rawRepresentation) }

    private func head(
        method: String = "POST",
        path: String = "/v1/servers",
        query: String = "",
        audience: String = "door.example:8443/audit"
    ) throws -> SignedHead {
        let headers = try RequestSigner.sign(
            method: method,
            path: path,
            query: query,
            body: body,
            audience: audience,
            now: now,
            nonce: Array(0..<16),
            publicKey: publicKey,
            signature: { [UInt8](try key.signature(for: $0)) }
        )
        func values(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }
        return SignedHead(
            method: method,
            path: path,
            query: query,
            signatureInput: values("signature-input"),
            signature: values("signature"),
            contentDigest: values("content-digest"),
            audience: values("doorward-audience")
        )
    }

    private func refusal(_ head: SignedHead, at time: Int? = nil, body: [UInt8]? = nil) -> SignatureRefusal? {
        do throws(SignatureRefusal) {
            let claim = try verifier.claim(head)
            try claim.verify(publicKey: publicKey, now: time ?? now)
            try claim.checkBody(body ?? self.body)
            return nil
        } catch {
            return error
        }
    }

    @Test("A request as it was signed is accepted")
    func accepted() throws {
        #expect(refusal(try head()) == nil)
        #expect(refusal(try head(query: "after=3&org=7")) == nil)
        #expect(try verifier.claim(try head()).keyid == KeyFingerprint.of(publicKey: publicKey))
    }

    @Test("Method, path, query and body are bound")
    func bound() throws {
        var changed = try head()
        changed.method = "PUT"
        #expect(refusal(changed) == .badSignature)
        changed = try head()
        changed.path = "/v1/servers/x"
        #expect(refusal(changed) == .badSignature)
        changed = try head()
        changed.query = "x"
        #expect(refusal(changed) == .badSignature)
        #expect(refusal(try head(), body: Array(#"{"a":2}"#.utf8)) == .badDigest)
        changed = try head()
        changed.contentDigest = ["sha-256=:\(Base64.standard(SHA256.hash(data: [UInt8]())) ):"]
        #expect(refusal(changed, body: []) == .badSignature)
    }

    @Test("A request for another coordinator is refused")
    func audience() throws {
        #expect(refusal(try head(audience: "other.example/audit")) == .wrongAudience)
        var changed = try head(audience: "other.example/audit")
        changed.audience = ["door.example:8443/audit"]
        #expect(refusal(changed) == .badSignature)
        changed.audience = []
        #expect(refusal(changed) == .wrongAudience)
    }

    @Test("It lives 60 seconds, and 60 seconds of skew are forgiven")
    func time() throws {
        #expect(refusal(try head(), at: now + 60) == nil)
        #expect(refusal(try head(), at: now + 61) == .expired)
        #expect(refusal(try head(), at: now - 60) == nil)
        #expect(refusal(try head(), at: now - 61) == .notYetValid)
        #expect(refusal(try head(), at: 0) == .notYetValid)
    }

    @Test("No signature and half a signature")
    func missing() throws {
        var changed = try head()
        changed.signature = []
        #expect(refusal(changed) == .badSignature)
        changed.signatureInput = []
        #expect(refusal(changed) == .unsigned)
        changed = try head()
        changed.contentDigest = []
        #expect(refusal(changed) == .badDigest)
    }

    @Test("Two of a header are refused, also when one of them is right")
    func doubled() throws {
        for path in [\SignedHead.signature, \.signatureInput, \.contentDigest, \.audience] {
            var changed = try head()
            changed[keyPath: path] += changed[keyPath: path]
            #expect(refusal(changed) != nil)
        }
    }

    @Test(
        "Any other profile is refused",
        arguments: [
            ("\"@method\" ", ""), ("\"@path\" \"@query\"", "\"@query\" \"@path\""),
            ("tag=\"doorward-agent-1\"", "tag=\"x\""),
            ("alg=\"ed25519\"", "alg=\"hmac-sha256\""), (";tag=", ";extra=1;tag="), (";alg=\"ed25519\"", ""),
            ("expires=1800000060", "expires=1800000061"), ("created=1800000000", "created=01800000000"),
            ("doorward=(", "doorward=()  ("), (";created", "; created"),
        ]
    )
    func profile(change: (String, String)) throws {
        var changed = try head()
        let input = changed.signatureInput[0].replacing(change.0, with: change.1)
        #expect(input != changed.signatureInput[0])
        changed.signatureInput = [input]
        let parameters = input.drop { $0 != "(" }
        let base = SignatureProfile.base(
            method: changed.method,
            path: changed.path,
            query: changed.query,
            digest: changed.contentDigest[0],
            audience: changed.audience[0],
            parameters: String(parameters)
        )
        // Properly signed, and refused all the same.
        changed.signature = ["doorward=:\(Base64.standard(try key.signature(for: base))):"]
        #expect(refusal(changed) == .badSignature)
    }

    @Test("The order of the parameters and the label are the signer's")
    func freedom() throws {
        var changed = try head()
        let keyid = KeyFingerprint.of(publicKey: publicKey)
        let parameters =
            "\(SignatureProfile.components);keyid=\"\(keyid)\";alg=\"ed25519\";created=\(now);nonce=\"AAAAAAAAAAAAAAAAAAAAAA\""
            + ";tag=\"doorward-agent-1\";expires=\(now + 30)"
        let base = SignatureProfile.base(
            method: changed.method,
            path: changed.path,
            query: changed.query,
            digest: changed.contentDigest[0],
            audience: changed.audience[0],
            parameters: parameters
        )
        changed.signatureInput = ["sig1=\(parameters)"]
        changed.signature = ["sig1=:\(Base64.standard(try key.signature(for: base))):"]
        #expect(refusal(changed) == nil)
    }

    @Test("A second signature beside the good one is refused")
    func second() throws {
        var changed = try head()
        changed.signatureInput[0] += ", other=(\"@method\");created=1"
        #expect(refusal(changed) == .badSignature)
    }

    @Test("A signature by another key is refused")
    func otherKey() throws {
        let claim = try verifier.claim(try head())
        let other = [UInt8](Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
        #expect(throws: SignatureRefusal.unknownKey) { try claim.verify(publicKey: other, now: now) }
    }
}
