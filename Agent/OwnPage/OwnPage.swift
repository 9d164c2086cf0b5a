internal import Bytes
package import LocalControl
package import ServiceKit
internal import StrictJSON
internal import Synchronization

/// The user's own page: servers, calls, clients and the state of this machine, in the browser.
///
/// It shows, and it begins sign-ins. What has to be approved is approved by the system's own authentication, never here: whoever
/// controls the account could click as well.
package final class OwnPage: Sendable {
    private let operations: any AgentOperations
    private let clients: @Sendable () throws -> [ListedClient]
    private let clock: MachineClock
    private let visits: PageVisits
    /// What became of sign-ins that were begun here and failed, by server.
    private let failures = Mutex<[String: ControlFailure]>([:])

    /// - Parameters:
    ///   - operations: what the agent does.
    ///   - clients: who has a credential.
    ///   - clock: the machine's.
    package init(
        operations: any AgentOperations,
        clients: @escaping @Sendable () throws -> [ListedClient],
        clock: MachineClock
    ) {
        self.operations = operations
        self.clients = clients
        self.clock = clock
        visits = PageVisits(now: clock.boot)
    }

    /// The path below which a link is.
    private static let opening = "/open/"

    /// The path that opens the page, once and within a minute.
    package func openingPath() -> String { Self.opening + visits.makeLink() }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - request: what is asked.
    ///   - port: on which it came: cookies know no ports, so that the agents of one machine need names of their own.
    /// - Returns: the page, or what leads to one.
    package func answer(_ request: PageRequest, port: Int) async -> PageAnswer {
        let name = "doorward-\(port)"
        if request.path.hasPrefix(Self.opening) { return open(request, cookie: name) }
        let cookie = Self.cookie(name, in: request.cookie)
        guard let cookie, let visit = visits.visit(of: cookie) else {
            return PageAnswer(401, Frame.entry("This page is closed", Self.closedWords))
        }
        guard request.method == "POST" else { return await show(request, visit) }
        guard let fields = FormBody.decode(String(decoding: request.body, as: UTF8.self)),
            PageVisits.isEqual((fields["token"] ?? "").utf8, visit.token.utf8)
        else {
            return PageAnswer(
                403,
                Frame.entry("Nothing was done", "<p>This form is not one of this page: load it again.</p>")
            )
        }
        switch request.path {
        case "/connect": return await connect(fields["server"] ?? "", visit)
        case "/close":
            visits.end(cookie)
            let gone = "\(name)=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
            return PageAnswer(200, Frame.entry("This page is closed", Self.closedWords), [("Set-Cookie", gone)])
        default: return Self.nowhere
        }
    }

    private static let closedWords: HTML = """
        <p>It is opened from a terminal, for this browser alone:</p>
        <p><code>doorward open</code></p>
        """
    private static let nowhere = PageAnswer(
        404,
        Frame.entry("There is no such page", "<p><a href=\"/\">To the servers</a></p>")
    )

    private func open(_ request: PageRequest, cookie name: String) -> PageAnswer {
        guard request.method == "GET", let secret = visits.follow(String(request.path.dropFirst(Self.opening.count)))
        else {
            return PageAnswer(
                401,
                Frame.entry(
                    "This link is used up",
                    "<p>A link opens the page once, within a minute.</p>\(Self.closedWords)"
                )
            )
        }
        let age = PageVisits.visitSeconds
        return PageAnswer(
            to: "/",
            [("Set-Cookie", "\(name)=\(secret); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict")]
        )
    }

    /// The value of one cookie, of all that a browser has for this machine, whatever the port.
    private static func cookie(_ name: String, in header: String?) -> String? {
        guard let header, header.utf8.count <= 16_384 else { return nil }
        for pair in header.split(separator: ";") {
            let pair = pair.drop { $0 == " " }
            if pair.hasPrefix("\(name)=") { return String(pair.dropFirst(name.count + 1)) }
        }
        return nil
    }

    private func show(_ request: PageRequest, _ visit: PageVisits.Visit) async -> PageAnswer {
        do {
            switch request.path {
            case "/":
                let failures = failures.withLock { $0 }
                return PageAnswer(
                    200,
                    ServersPage(try await operations.servers(), try await operations.status(), failures).html(
                        visit.token
                    )
                )
            case "/calls":
                let records = try await operations.records(newest: CallsPage.records)
                let now = UTCTime(microseconds: Int(clock.wall()))
                return PageAnswer(
                    200,
                    CallsPage(records, now: now, isStill: request.query == "still").html(visit.token)
                )
            case "/machine":
                return PageAnswer(200, MachinePage(try await operations.status(), try clients()).html(visit.token))
            case "/page.css": return PageAnswer(Look.style, "text/css; charset=utf-8")
            case "/page.svg": return PageAnswer(Look.icon, "image/svg+xml")
            default: return Self.nowhere
            }
        } catch let failure as ControlFailure {
            return PageAnswer(200, Self.trouble(failure, visit))
        } catch {
            let failure = ControlFailure("internal", "The agent could not tell that.", next: "doorward doctor")
            return PageAnswer(500, Self.trouble(failure, visit))
        }
    }

    private static func trouble(_ failure: ControlFailure, _ visit: PageVisits.Visit) -> HTML {
        var frame = Frame(place: .servers, heading: "Doorward", token: visit.token)
        frame.notes = [Frame.note(failure.needsUser ? "warn" : "bad", failure.message, next: failure.next)]
        return frame.page("")
    }

    // MARK: Signing in

    /// Begins a sign-in, and shows where it leads before the browser goes there.
    private func connect(_ server: String, _ visit: PageVisits.Visit) async -> PageAnswer {
        failures.withLock { $0[server] = nil }
        do {
            let answer = try await operations.beginSignIn(server: server, clientSecret: nil)
            guard let flow = answer["flow"]?.text, let url = answer["authorization_url"]?.text,
                url.hasPrefix("https://") || url.hasPrefix("http://")
            else { return PageAnswer(to: "/") }
            follow(flow, of: server)
            return PageAnswer(200, SignInPage(server: server, url: url).html)
        } catch {
            failures.withLock { $0[server] = Self.failure(error) }
            return PageAnswer(to: "/")
        }
    }

    /// Keeps why a sign-in failed, for the page that is looked at afterwards.
    private func follow(_ flow: String, of server: String) {
        Task { [operations, weak self] in
            do {
                _ = try await operations.awaitSignIn(flow: flow)
            } catch {
                self?.failures.withLock { $0[server] = Self.failure(error) }
            }
        }
    }

    private static func failure(_ error: any Error) -> ControlFailure {
        error as? ControlFailure ?? ControlFailure("internal", "The sign-in failed.", next: "doorward servers")
    }
}

/// Who has a credential for the agent.
package struct ListedClient: Sendable {
    package let name: String
    /// RFC 3339, UTC.
    package let created: String

    package init(name: String, created: String) {
        self.name = name
        self.created = created
    }
}
