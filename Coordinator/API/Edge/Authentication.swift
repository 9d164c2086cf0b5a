internal import AuditSink
internal import Bytes
internal import Contract
internal import Database
internal import Fleet
internal import HTTPTypes
internal import People
internal import Rights
internal import ServiceKit
internal import SignIn

/// Proves who asks, before anything of the request's body is read.
struct Authentication: Sendable {
    let fleet: Fleet
    let people: People
    let sessions: BrowserSessions
    let door: BrowserDoor
    let database: SQLDatabase
    let clock: MachineClock

    /// Changes that leave something behind for good: a leaf of the organisation's log, a policy.
    private let changes = RequestPace(perSecond: 2, burst: 120)

    init(_ domain: Domain, door: BrowserDoor, clock: MachineClock) {
        fleet = domain.fleet
        people = domain.people
        sessions = domain.sessions
        self.door = door
        database = domain.database
        self.clock = clock
    }

    /// Who asks; all are nil for an operation that anybody may use.
    struct Proven: Sendable {
        var caller: Caller?
        /// What the body has still to be compared with.
        var claim: ClaimedSignature?
        /// The browser's session, where its cookie is the proof.
        var session: BrowserSession?
    }

    /// Proves the caller of an operation.
    ///
    /// - Parameters:
    ///   - head: What a signature covers.
    ///   - headers: All headers, for a token.
    ///   - access: Who may use the operation; for an anonymous one nothing is proven, whatever the request says of
    ///     itself.
    /// - Returns: Who the caller is.
    /// - Throws: `SignatureRefusal`, a `Problem`.
    func prove(_ head: SignedHead, _ headers: HTTPFields, for access: Access) async throws -> Proven {
        guard access != .anonymous else { return Proven() }
        let authorization = headers[values: .authorization]
        guard !authorization.isEmpty else {
            // A browser sends its cookie with whatever it asks: a proof that was made for the request counts before it.
            if !head.isSigned, let proven = try await proveBrowser(head, headers) { return proven }
            if !head.isSigned, case .published = access { return Proven() }
            let admission = try await fleet.admit(head)
            return Proven(caller: admission.caller, claim: admission.claim)
        }
        // Two proofs in one request are one too many: nothing says which of them would count.
        guard authorization.count == 1, !head.isSigned else { throw Problem.twoProofs }
        guard let token = Self.bearer(authorization[0]) else { throw SignatureRefusal.unsigned }
        let caller = try await people.caller(token: token)
        if case .token(let id, _, _) = caller.proof { try fleet.pace.enter(id, now: clock.boot()) }
        return Proven(caller: caller)
    }

    /// The person of a browser's cookie; nil where the request has none.
    private func proveBrowser(_ head: SignedHead, _ headers: HTTPFields) async throws -> Proven? {
        let request = BrowserRequest(headers)
        guard request.hasCookie else { return nil }
        if Self.changes(head.method) {
            try request.checkChange(origin: door.origin)
        } else {
            try request.checkLook()
        }
        guard let session = try await sessions.session(of: request) else { throw Refused.sessionEnded }
        try fleet.pace.enter(session.id, now: clock.boot())
        return Proven(caller: session.caller, session: session)
    }

    /// Refuses a change from a browser without the proof that it comes from a page of its session: in the header
    /// `Doorward-CSRF`, or in the field `csrf` of a form.
    func checkForm(_ proven: Proven, _ head: SignedHead, _ headers: HTTPFields, body: [UInt8]) throws {
        guard let session = proven.session, Self.changes(head.method) else { return }
        let proof = HTTPField.Name("Doorward-CSRF").flatMap { headers[$0] }
        let isForm = headers[.contentType]?.hasPrefix(FormBody.mediaType) == true
        let fields = isForm && proof == nil ? try Call.fields(body) : [:]
        try session.checkChange(BrowserRequest(headers), proof: proof ?? fields["csrf"], origin: door.origin)
    }

    private static func changes(_ method: String) -> Bool { !["GET", "HEAD"].contains(method) }

    /// Refuses what would fill the disk, from a caller that cannot make room: much at once while there is little, and
    /// changes without end.
    func checkPace(of caller: Caller?, for operation: Operation) throws {
        guard let caller, caller.lane == .ordinary else { return }
        guard operation.largestBody <= Operation.usualBody || database.room == .ample else { throw Refused.noRoom }
        guard case .right = operation.access, operation.method != "GET" else { return }
        try changes.enter(caller.sub, now: clock.boot())
    }

    /// The caller once its whole request is here.
    ///
    /// A body may take its time to arrive. A thief who expects that the machine or token is taken away would otherwise
    /// begin a request before and end it afterwards.
    ///
    /// - Parameters:
    ///   - caller: As proven before the body was read.
    ///   - operation: What the caller asks for; one without a body has not waited, and one for machines looks itself.
    /// - Returns: The caller as it is now.
    /// - Throws: a `Refused` if the caller is no longer proven; whether it has the right still is asked for its permit.
    func standing(_ caller: Caller?, for operation: Operation) async throws -> Caller? {
        guard let caller, case .right = operation.access, operation.largestBody > 0 else { return caller }
        return try await people.standing(caller)
    }

    /// The token of `Bearer TOKEN` (RFC 6750 section 2.1); nil for another scheme.
    static func bearer(_ value: String) -> String? {
        // One blank or more between the two (RFC 9110 section 11.4).
        let parts = value.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bearer", parts[1].utf8.count <= 256,
            parts[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return String(parts[1])
    }
}

extension Caller {
    /// The lane of the caller's changes: those of callers that can make room, and shut others out, come first.
    var lane: WriteLane {
        guard role >= .admin else { return .ordinary }
        guard case .token(_, let scopes, _) = proof else { return .governing }
        return scopes.contains(.admin) ? .governing : .ordinary
    }
}
