internal import Bytes
internal import Console
internal import Contract
internal import HTTPTypes
internal import SignIn

extension Answer {
    /// A page of the way in.
    static func page(_ page: SignInPage, cookies: [String] = []) -> Answer {
        var answer = html(page.entry.html)
        answer.set(cookies)
        return answer
    }

    /// Lets the page's forms lead to another origin too.
    mutating func allowForms(to origin: String) {
        headers[.contentSecurityPolicy] = headers[.contentSecurityPolicy]?.replacing(
            "form-action 'self'",
            with: "form-action 'self' \(origin)"
        )
    }

    /// Another page, to be looked at next.
    ///
    /// - Parameters:
    ///   - path: a path of the coordinator's own, or an address that it has chosen itself.
    ///   - cookies: the values of `Set-Cookie`.
    /// - Returns: the answer.
    static func redirect(to path: String, cookies: [String] = []) -> Answer {
        var answer = Answer.nothing
        answer.status = .seeOther
        answer.headers[.location] = path
        answer.set(cookies)
        return answer
    }

    private mutating func set(_ cookies: [String]) {
        for cookie in cookies { headers.append(HTTPField(name: .setCookie, value: cookie)) }
    }
}

extension Call {
    /// The fields of a form, each once; throws a `Problem` for another body.
    func form() throws -> [String: String] { try Self.fields(body) }

    static func fields(_ body: [UInt8]) throws -> [String: String] {
        guard let text = String(validating: body, as: UTF8.self), let fields = FormBody.decode(text) else {
            throw Problem.badForm
        }
        return fields
    }
}

extension BrowserRequest {
    /// What a browser says in the headers of a call.
    init(_ call: Call) {
        self.init(call.headers)
    }

    init(_ headers: HTTPFields) {
        self.init { name in HTTPField.Name(name).map { headers[values: $0] } ?? [] }
    }
}
