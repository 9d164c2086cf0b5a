internal import Bytes
internal import Contract
internal import HTTPTypes
internal import Logging
internal import Rights
internal import ServiceKit
internal import SignIn
internal import StrictJSON

/// How browsers come in and go: pages for people, and what scripts of pages ask about their session.
struct SignInRoutes: Sendable {
    let links: SignInLinks
    let sessions: BrowserSessions
    let pace: SignInPace
    let door: BrowserDoor
    /// The identity provider, where the organisation has one here.
    let provider: Provider?

    init(_ domain: Domain, door: BrowserDoor, provider: Provider?, clock: MachineClock) {
        links = SignInLinks(
            database: domain.database,
            log: domain.log,
            people: domain.people,
            clock: clock,
            origin: door.origin
        )
        sessions = domain.sessions
        pace = SignInPace(clock: clock)
        self.door = door
        self.provider = provider
    }

    /// Enough for a form with a link.
    private static let largestForm = 4 << 10

    var operations: [Operation] {
        [
            Operation("GET", "/sign-in", for: .anonymous, query: ["return", "again"]) { call in
                try await onPage("You are not signed in", call) { try await begin(call) }
            },
            Operation("GET", ProviderSignIn.callback, for: .anonymous, query: Operation.foreignQuery) { call in
                try await finish(call)
            },
            Operation("GET", "\(SignInLink.path){secret}", for: .anonymous) { call in
                try await onPage("The link opens nothing", call) {
                    let offer = try await links.offer(call.parameters[0])
                    return .page(.link(user: offer.user, secret: call.parameters[0]))
                }
            },
            Operation("POST", "/sign-in/link", for: .anonymous, largestBody: Self.largestForm) { call in
                try await onPage("You are not signed in", call) {
                    let request = BrowserRequest(call)
                    try request.checkChange(origin: door.origin)
                    let link = try call.form()["link"] ?? ""
                    try pace.enter(try await links.offer(link).user)
                    let opened = try await links.redeem(link, by: request)
                    return .redirect(to: "/", cookies: [opened.cookie])
                }
            },
            Operation("POST", "/sign-out", for: .browser) { call, session in
                let sealed = try await sessions.end(session)
                let farewell = await provider?.farewell(sealed, of: session)
                var answer = Answer.page(.signedOut(farewell: farewell), cookies: [SessionCookie.takingBack])
                // What pages left in the browser goes too; the cookie is taken back above.
                if let name = HTTPField.Name("Clear-Site-Data") { answer.headers[name] = #""cache", "storage""# }
                return answer
            },
            Operation("GET", "/v1/session", for: .browser) { _, session in .json(session.json) },
            Operation("POST", "/v1/sign-in-links", for: .agent) { _, machine in
                .json(try await links.make(for: machine).json, status: .created)
            },
        ]
    }

    // MARK: The provider

    /// Sends a browser to the provider; one that is signed in already goes where it wanted to.
    private func begin(_ call: Call) async throws -> Answer {
        let (request, path) = (BrowserRequest(call), call.query["return"])
        let isAgain = call.query["again"] != nil
        if !isAgain, try await sessions.session(of: request) != nil {
            return .redirect(to: path.flatMap { ReturnPath($0)?.text } ?? "/")
        }
        guard let provider else { return .page(.howTo) }
        let departure = try await provider.signIn.begin(to: path, isFresh: isAgain, request)
        return .redirect(to: departure.url, cookies: departure.cookies)
    }

    /// Lets a browser in that comes back from the provider.
    private func finish(_ call: Call) async throws -> Answer {
        guard let provider else { throw Problem.noSuchPath }
        let (request, query) = (BrowserRequest(call), call.signed.query)
        let flow = provider.signIn.cookie(of: query, request)
        var answer = try await onPage("You are not signed in", call) {
            let arrival = try await provider.signIn.finish(query, request)
            try pace.enter(arrival.account)
            let opened = try await provider.identities.arrive(arrival, by: request)
            call.logger.info(
                "A person has signed in.",
                metadata: ["person": "\(opened.session.caller.sub)", "how": "provider"]
            )
            return .redirect(to: arrival.path, cookies: [opened.cookie])
        }
        // The flow has ended, whatever came of it: its answer is good once.
        if let flow { answer.headers.append(HTTPField(name: .setCookie, value: flow)) }
        return answer
    }

    /// Runs a step of signing in; what is refused is shown as a page.
    private func onPage(
        _ title: String,
        _ call: Call,
        _ step: () async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await pace.attempt(from: door.address(of: call), step)
        } catch let refused as Refused {
            let problem = Problem(refused)
            var answer = Answer.page(.failed(title: title, why: refused.message, next: refused.next))
            answer.status = HTTPResponse.Status(code: problem.status)
            if let seconds = problem.members["retry_after"]?.int { answer.headers[.retryAfter] = "\(seconds)" }
            return answer
        }
    }
}

extension BrowserSession {
    /// As `GET /v1/session` answers.
    fileprivate var json: JSONValue {
        [
            "user": .text(caller.email), "role": .text(caller.role.rawValue), "how": .text(way.rawValue),
            "signed_in": .text(UTCTime(seconds: signedInAt).shortText),
            "expires": .text(UTCTime(seconds: expiresAt).shortText), "csrf": .text(csrf),
        ]
    }
}
