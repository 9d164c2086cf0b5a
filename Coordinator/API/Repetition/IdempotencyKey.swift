internal import Contract
internal import Crypto
internal import HTTPTypes
internal import Rights
internal import StrictJSON
internal import TransparencyLog

/// The header `Idempotency-Key` of a request that makes something: sent again with the same key, it makes nothing more and
/// is answered as it was then (draft-ietf-httpapi-idempotency-key-header-07).
///
/// The key is the caller's secret: the stored answer is sealed with it, and of the key itself there is a hash alone.
struct IdempotencyKey: Sendable {
    /// Names the row: of who asks, for what, with which key.
    let hash: Hash
    /// Of what is asked for: the same key for something else is an error of the caller.
    let request: Hash
    private let seal: SymmetricKey

    static let header = HTTPField.Name("Idempotency-Key") ?? .eTag
    /// Shorter ones could be guessed, and with the database the answers read.
    static let lengths = 16...128

    /// The key of a call; nil where it has none.
    ///
    /// - Throws: a `Problem` for one that is not 16 to 128 printable characters; the quotation marks of the draft's examples
    ///   may be there.
    init?(_ call: Call, for operation: Operation) throws {
        guard let text = try call.header(Self.header) else { return nil }
        let isQuoted = text.utf8.count > 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
        let key = isQuoted ? text.dropFirst().dropLast() : text[...]
        guard Self.lengths.contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 })
        else { throw Problem.badHeader("Idempotency-Key") }
        let who = try Self.name(call.caller())
        hash = .of(
            try JSONValue.array(["idempotency", .text(who), .text(operation.name), .text(String(key))]).canonicalBytes()
        )
        request = .of(try JSONValue.array(call.parameters.map { .text($0) }).canonicalBytes() + call.body)
        seal = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(key.utf8)),
            salt: hash.bytes,
            info: Array("doorward kept answer".utf8),
            outputByteCount: 32
        )
    }

    /// A machine, a token or a session: what one of them was answered is none of another's business.
    private static func name(_ caller: Caller) -> String {
        switch caller.proof {
        case .machine(let id): "machine/\(id)"
        case .token(let id, _, _): "token/\(id)"
        case .session(let id, _): "session/\(id)"
        }
    }

    /// An answer that only a caller with the key can read.
    func sealed(_ answer: [UInt8]) throws -> [UInt8] {
        Array(try ChaChaPoly.seal(answer, using: seal, authenticating: request.bytes).combined)
    }

    /// The answer again.
    func opened(_ bytes: [UInt8]) throws -> [UInt8] {
        Array(
            try ChaChaPoly.open(try ChaChaPoly.SealedBox(combined: bytes), using: seal, authenticating: request.bytes)
        )
    }
}

extension Problem {
    static let otherRequest = Problem(
        "idempotency_mismatch",
        status: 422,
        title: "The key was used for something else",
        detail: "A request with this Idempotency-Key was answered, and it asked for something else.",
        next: "Send another request with a new key."
    )

    static let stillUnderWay = Problem(
        "idempotency_under_way",
        status: 409,
        title: "The same request is under way",
        detail: "A request with this Idempotency-Key is being acted on.",
        next: "Send it again in a second.",
        members: ["retry_after": 1]
    )

    static let answerLost = Problem(
        "idempotency_answer_lost",
        status: 409,
        title: "It was done, and its answer is lost",
        detail:
            "A request with this Idempotency-Key was acted on, and the coordinator ended before it could keep the answer.",
        next: "Look at the list for what was made; take it away, and make it anew with a new key."
    )
}
