internal import Contract
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import StrictJSON

/// What an operation answers.
struct Answer: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: ResponseBody
    /// The body, where it is at hand; nil where it is made while it is sent.
    private(set) var bytes: [UInt8]?

    /// A body of bytes.
    init(_ status: HTTPResponse.Status = .ok, type: String, bytes: [UInt8], headers: HTTPFields = HTTPFields()) {
        self.status = status
        self.headers = headers
        self.headers[.contentType] = type
        self.bytes = bytes
        body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
    }

    /// A body that is made while it is sent.
    init(type: String, headers: HTTPFields = HTTPFields(), body: ResponseBody) {
        status = .ok
        self.headers = headers
        self.headers[.contentType] = type
        self.body = body
    }

    /// A document.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields())
        -> Answer
    {
        Answer(status, type: "application/json", bytes: value.line, headers: headers)
    }

    /// No content.
    static var nothing: Answer {
        var answer = Answer(.noContent, type: "", bytes: [])
        answer.headers[.contentType] = nil
        answer.body = ResponseBody()
        return answer
    }

    /// What the caller has is still so.
    static func notModified(_ headers: HTTPFields) -> Answer {
        var answer = Answer.nothing
        answer.status = .notModified
        answer.headers = headers
        return answer
    }

    /// Text, for people and simple programs.
    static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Answer {
        Answer(type: type, bytes: Array(text.utf8))
    }

    static func problem(_ problem: Problem) -> Answer {
        var answer = Answer(
            HTTPResponse.Status(code: problem.status),
            type: Problem.mediaType,
            bytes: problem.json.line
        )
        if let seconds = problem.members["retry_after"]?.int { answer.headers[.retryAfter] = "\(seconds)" }
        if problem.status == 401 { answer.headers[.wwwAuthenticate] = "Bearer realm=\"doorward\"" }
        return answer
    }
}

extension JSONValue {
    /// The document with a line feed, so that a terminal's prompt is below it.
    fileprivate var line: [UInt8] { bytes + [UInt8(ascii: "\n")] }
}
