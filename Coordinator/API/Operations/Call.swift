internal import Bytes
internal import Contract
internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import Rights
internal import SignIn
internal import StrictJSON

/// One request on its way into the domain: proven, within its limits, read as a whole.
struct Call: Sendable {
    /// Who asks; nil for an operation that anybody may use.
    let whoever: Caller?
    /// The browser's session, where that is the proof.
    let session: BrowserSession?
    /// The variable segments of the path, in their order.
    let parameters: [String]
    /// The decoded values of the query by name; no name that the operation does not know.
    let query: [String: String]
    let headers: HTTPFields
    let body: [UInt8]
    /// What a signature over this request covers.
    let signed: SignedHead
    /// The address at the other end of the connection, which may be a proxy's.
    let peer: String?
    /// The connection that the request came on.
    let channel: any Channel
    let logger: Logger

    /// Who asks; an operation that is not for anybody has one.
    func caller() throws -> Caller {
        guard let whoever else { throw SignatureRefusal.unsigned }
        return whoever
    }

    /// The body as one strict JSON object.
    func json(depth: Int = 16) throws -> JSONValue {
        try JSONValue(parsing: body, limits: JSONLimits(maxBytes: body.count, maxDepth: depth))
    }

    /// Reads the body as a closed object.
    func document<Document>(_ read: (inout ObjectReader) throws -> Document) throws -> Document {
        try ObjectReader.read(try json(), read)
    }

    /// The value of a field of the query that is one of a closed set of words.
    func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) throws -> Word?
    where Word.RawValue == String {
        guard let text = query[name] else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: " or ")
            throw Problem.badQuery("needs \(words) for \(name)")
        }
        return word
    }

    /// The value of a field of the query that is `true` or `false`.
    func flag(_ name: String) throws -> Bool? {
        guard let text = query[name] else { return nil }
        guard let flag = Bool(text) else { throw Problem.badQuery("needs true or false for \(name)") }
        return flag
    }

    /// The value of a field of the query that is a time, or one before now: `2026-11-22T11:35:50Z`, `-24h`.
    func moment(_ name: String, now: UTCTime) throws -> UTCTime? {
        guard let text = query[name] else { return nil }
        guard let time = ReportChoice.moment(text, now: now) else {
            throw Problem.badQuery("needs a time in UTC like 2026-11-22T11:35:50Z, or -24h, for \(name)")
        }
        return time
    }

    /// The value of a header that may occur at most once.
    func header(_ name: HTTPField.Name) throws -> String? {
        let values = headers[values: name]
        guard values.count <= 1 else { throw Problem.badHeader(name.canonicalName) }
        return values.first
    }
}
