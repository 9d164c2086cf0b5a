internal import AuditSink
internal import Bytes
internal import Contract
internal import HTTPTypes
internal import People
internal import Rights
internal import SignIn
internal import TransparencyLog

/// How people enrol their own machines: the machine opens a page, the person says yes there, and the browser brings the machine
/// a code for its key.
struct MachineRoutes: Sendable {
    let people: People
    let sessions: BrowserSessions
    /// The 32 bytes of the coordinator's public key.
    let key: [UInt8]

    init(_ domain: Domain) {
        people = domain.people
        sessions = domain.sessions
        key = domain.log.key.publicKey.bytes
    }

    static let path = "/enrol"
    private static let largestForm = 8 << 10

    var operations: [Operation] {
        [
            Operation("GET", Self.path, for: .anonymous, query: MachineQuestion.names) { call in try await ask(call) },
            Operation("POST", Self.path, for: .browser, largestBody: Self.largestForm) { call, session in
                try await answer(call, session)
            },
        ]
    }

    /// Shows the question to a person who has signed in a moment ago; others do so first.
    private func ask(_ call: Call) async throws -> Answer {
        let question = try MachineQuestion(call.query)
        let session = try await sessions.session(of: BrowserRequest(call))
        guard let session, session.isRecent else {
            let back = "\(Self.path)?\(FormBody.query(question.fields.map { ($0.name, $0.value) }))"
            let fields = [("return", back)] + (session == nil ? [] : [("again", "1")])
            return .redirect(to: "/sign-in?\(FormBody.query(fields))")
        }
        let words = KeyWords(machine: question.key, coordinator: key).words
        var answer = Answer.page(.machine(question, words: words, user: session.caller.email, csrf: session.csrf))
        // Browsers hold a form's redirects to this as well.
        answer.allowForms(to: question.origin)
        return answer
    }

    /// Takes the person's answer to the machine.
    private func answer(_ call: Call, _ session: BrowserSession) async throws -> Answer {
        let form = try call.form()
        let question = try MachineQuestion(form)
        guard form["decision"] == "yes" else {
            return .redirect(to: question.answer([("error", "access_denied")]))
        }
        let code = try await people.approve(question.approval, by: session.caller)
        return .redirect(to: question.answer([("code", code)]))
    }
}
