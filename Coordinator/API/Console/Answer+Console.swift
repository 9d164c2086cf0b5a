internal import Bytes
internal import Console
internal import Contract
internal import HTTPTypes
internal import Rights
internal import SignIn
internal import StrictJSON

extension Answer {
    /// What pages may load: what is ours, and nothing that is written into them.
    static let pagePolicy = """
        default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
        frame-ancestors 'none'
        """

    /// A document for people.
    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Answer {
        var answer = Answer(status, type: "text/html; charset=utf-8", bytes: Array(text.utf8))
        answer.headers[.contentSecurityPolicy] = pagePolicy
        // Without it a browser would hide from its own coordinator where a form comes from.
        if let name = HTTPField.Name("Referrer-Policy") { answer.headers[name] = "same-origin" }
        return answer
    }

    /// What a page of the console has come to.
    static func page(_ page: PageAnswer) -> Answer {
        switch page.content {
        case .html(let text):
            let status = page.refused.map { HTTPResponse.Status(code: Problem($0).status) }
            return html(text, status: status ?? .ok)
        case .redirect(let path): return redirect(to: path)
        case .file(let name, let mediaType, let bytes):
            let headers: HTTPFields = [.contentDisposition: "attachment; filename=\"\(name)\""]
            return Answer(type: mediaType, bytes: bytes, headers: headers)
        }
    }

    /// The same problem for a person in a browser: where signing in helps, that comes next.
    ///
    /// - Parameters:
    ///   - problem: What went wrong.
    ///   - method: Of the request.
    ///   - target: Its path and query.
    /// - Returns: a page, or the way to one.
    static func page(of problem: Problem, method: String, target: String) -> Answer {
        let back = FormBody.query([("return", target)])
        let isLook = method == "GET" || method == "HEAD"
        // A browser that is not signed in, or no longer: what it wanted to look at comes after the sign-in.
        if problem.status == 401, isLook { return redirect(to: target == "/" ? "/sign-in" : "/sign-in?\(back)") }
        var links: [EntryPage.Link] = []
        if problem.code == "sign_in_again" || problem.status == 401 {
            links.append(
                EntryPage.Link(
                    "Sign in again",
                    "/sign-in?again=yes&\(isLook ? back : FormBody.query([("return", "/")]))"
                )
            )
        }
        links.append(EntryPage.Link("Overview", "/"))
        let texts = [problem.detail] + (problem.next.map { [$0] } ?? [])
        let page = EntryPage(problem.title, texts, links: links)
        var answer = html(page.html, status: HTTPResponse.Status(code: problem.status))
        if let seconds = problem.members["retry_after"]?.int { answer.headers[.retryAfter] = "\(seconds)" }
        return answer
    }
}

extension Call {
    /// The fields of a page's query, as browsers write those of forms; throws a `Problem` for a name that the page does not
    /// know.
    func pageQuery(_ known: Set<String>) throws -> [String: String] {
        guard let fields = FormBody.decode(signed.query), known.isSuperset(of: fields.keys) else {
            throw Problem.badQuery("has a field that is not known here, or one that cannot be read")
        }
        return fields
    }
}
