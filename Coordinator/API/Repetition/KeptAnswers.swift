internal import Bytes
internal import Contract
internal import Database
internal import HTTPTypes
internal import ServiceKit
internal import StrictJSON
internal import Synchronization
internal import TransparencyLog

/// The answers to requests with an `Idempotency-Key`, for a day.
///
/// * Once: that a request was acted on is stored in the transaction that acts on it, so of two at the same time one is
///   refused, also across a crash.
/// * The answer is stored behind it. Where the coordinator ends in between, the request is never acted on again; what it
///   would have been answered is lost, and the caller is told so.
struct KeptAnswers: Sendable {
    let database: SQLDatabase
    let clock: MachineClock

    /// How long an answer is kept, in seconds.
    static let life = 86_400

    /// The keys that are being acted on by this process.
    private let underWay = UnderWay()

    private final class UnderWay: Sendable {
        let keys = Mutex<Set<Hash>>([])
    }

    init(database: SQLDatabase, clock: MachineClock) {
        self.database = database
        self.clock = clock
    }

    /// Acts on a request, or answers as it was answered before.
    ///
    /// - Parameters:
    ///   - key: The request's.
    ///   - act: Acts on it; an error that it throws leaves nothing behind, and the request may come again.
    /// - Returns: What it answers, or has answered.
    /// - Throws: What `act` throws; `Problem`: `idempotency_mismatch`, `idempotency_under_way`, `idempotency_answer_lost`.
    func answer(_ key: IdempotencyKey, _ act: () async throws -> Answer) async throws -> Answer {
        guard underWay.keys.withLock({ $0.insert(key.hash).inserted }) else { throw Problem.stillUnderWay }
        defer { _ = underWay.keys.withLock { $0.remove(key.hash) } }
        if let kept = try await database.read({ view in try kept(key, in: view) }) { return kept }
        let attempt = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        let now = Int(clock.wall() / 1_000_000)
        let companion = Companion { transaction in
            try transaction.execute("DELETE FROM acted_on WHERE made_at < ?", [.integer(now - Self.life)])
            try transaction.execute(
                """
                INSERT INTO acted_on (key_hash, attempt, request_hash, made_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
                """,
                [.blob(key.hash.bytes), .blob(attempt), .blob(key.request.bytes), .integer(now)]
            )
            let row = try transaction.first("SELECT attempt FROM acted_on WHERE key_hash = ?", [.blob(key.hash.bytes)])
            // Another process on the same database was first.
            guard try row?.blob("attempt") == attempt else { throw Problem.stillUnderWay }
        }
        let answer = try await Companion.$current.withValue(companion) { try await act() }
        let sealed = try key.sealed(KeptAnswer(answer).bytes())
        try await database.write { transaction in
            try transaction.execute(
                "UPDATE acted_on SET answer = ? WHERE key_hash = ? AND attempt = ?",
                [.blob(sealed), .blob(key.hash.bytes), .blob(attempt)]
            )
        }
        return answer
    }

    private func kept(_ key: IdempotencyKey, in view: some SQLReading) throws -> Answer? {
        let row = try view.first(
            "SELECT request_hash, answer FROM acted_on WHERE key_hash = ? AND made_at >= ?",
            [.blob(key.hash.bytes), .integer(Int(clock.wall() / 1_000_000) - Self.life)]
        )
        guard let row else { return nil }
        guard try row.blob("request_hash") == key.request.bytes else { throw Problem.otherRequest }
        guard let sealed = try row.optionalBlob("answer") else { throw Problem.answerLost }
        return try KeptAnswer(parsing: try key.opened(sealed)).answer
    }
}

/// What an operation that makes something has answered.
private struct KeptAnswer {
    let status: Int
    let tag: String?
    let body: [UInt8]

    init(_ answer: Answer) {
        status = answer.status.code
        tag = answer.headers[.eTag]
        body = answer.bytes ?? []
    }

    func bytes() -> [UInt8] {
        var object: JSONObject = ["status": .int(status), "body": .text(Base64.url(body))]
        if let tag { object["etag"] = .text(tag) }
        return JSONValue.object(object).bytes
    }

    init(parsing bytes: [UInt8]) throws {
        let json = try JSONValue(parsing: bytes)
        status = json["status"]?.int ?? 200
        tag = json["etag"]?.text
        body = (json["body"]?.text).flatMap { Base64.decodeURL($0.utf8) } ?? []
    }

    var answer: Answer {
        var answer = Answer(HTTPResponse.Status(code: status), type: "application/json", bytes: body)
        if let tag { answer.headers[.eTag] = tag }
        if let name = HTTPField.Name("Doorward-Answered-Before") { answer.headers[name] = "true" }
        return answer
    }
}
