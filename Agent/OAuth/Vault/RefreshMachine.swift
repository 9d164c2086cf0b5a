/// Decides, step by step, how one grant is renewed; it does nothing itself.
///
/// A refresh token that rotates is good for one request, and a server that sees it twice ends the whole grant. So what may
/// be sent again is decided by what is known to have happened to it:
///
/// * an answer with tokens, or any other success: never again;
/// * an answer of somebody who did not take the request (busy, a page), or no connection: again, after a while;
/// * no answer, or a crash: nobody knows. Once more, never a third time.
///
/// Before a token leaves, an intent is written that says so; before new tokens are used they are stored.
struct RefreshMachine: Sendable {
    /// What stands on disk while a token is under way: no secret.
    struct Intent: Sendable, Equatable {
        /// Which of a grant's tokens.
        let generation: Int
        /// How many requests with it may have been taken.
        let sends: Int
    }

    /// What the driver must do next; each is answered by the event of its name.
    enum Action: Sendable, Equatable {
        case readStore
        case writeIntent(Intent)
        case send(refreshToken: String)
        case wait(Duration)
        case store(Grant)
        case clearIntent
        /// Removes the grant and its intent.
        case forget
        case finish(Result)
    }

    /// What the driver brings back.
    enum Event: Sendable {
        case begin
        case storeRead(Stored, Intent?)
        case intentWritten(Bool)
        case answered(TokenEndpoint.Answer, now: Int)
        case waited
        case stored(Bool)
        case intentCleared
        case forgotten
    }

    /// What the keyring says.
    enum Stored: Sendable, Equatable {
        case grant(Grant), absent, locked, unavailable
    }

    /// How it ended.
    enum Result: Sendable, Equatable {
        case renewed(Grant)
        /// Somebody else had renewed it already.
        case found(Grant)
        /// `why` is a code for the record.
        case needsSignIn(why: String)
        case locked
        /// `why` is a code for the record.
        case unavailable(why: String)
    }

    /// The grant that is too old, or was rejected.
    private let known: Grant
    /// How often a busy server is asked before a call gives up.
    private let tries: Int
    private var attempts = 0
    private var intent: Intent?
    private var grant: Grant?
    /// Tokens that came and are not stored yet.
    private var fresh: Grant?
    private var isConfirming = false
    private var ending: Result?

    init(known: Grant, tries: Int = 5) {
        self.known = known
        self.tries = tries
    }

    /// Goes on from tokens that an earlier attempt could not store.
    init(unstored: Grant, known: Grant) {
        self.init(known: known)
        fresh = unstored
    }

    mutating func next(_ event: Event) -> Action {
        switch event {
        case .begin: fresh.map(Action.store) ?? .readStore
        case .storeRead(let stored, let intent): afterReading(stored, intent)
        case .intentWritten(let isWritten): afterIntent(isWritten)
        case .answered(let answer, let now): afterAnswer(answer, now)
        case .waited: writeIntent()
        case .stored(let isStored): afterStoring(isStored)
        case .intentCleared, .forgotten: .finish(ending ?? .unavailable(why: "internal"))
        }
    }

    /// Tokens that came and could not be stored, for the next attempt.
    var unstored: Grant? { fresh }

    // MARK: Steps

    private mutating func afterReading(_ stored: Stored, _ intent: Intent?) -> Action {
        switch stored {
        case .locked: return .finish(.locked)
        case .unavailable: return .finish(.unavailable(why: "keyring"))
        case .absent: return .finish(.needsSignIn(why: "no_grant"))
        case .grant(let grant):
            // The keyring is the truth: what another program, or an earlier life of this one, put there counts.
            guard grant.credential == known.credential, grant.generation <= known.generation else {
                return .finish(.found(grant))
            }
            if isConfirming { return end(.needsSignIn(why: "invalid_grant"), by: .forget) }
            self.grant = grant
            self.intent = intent?.generation == grant.generation ? intent : nil
            guard grant.refreshToken != nil else { return end(.needsSignIn(why: "no_refresh_token"), by: .forget) }
            return writeIntent()
        }
    }

    /// Counts the request as taken before it is sent; only an answer can take that back.
    private mutating func writeIntent() -> Action {
        guard let grant else { return .finish(.unavailable(why: "internal")) }
        let sends = intent?.sends ?? 0
        guard sends < 2 else { return end(.needsSignIn(why: "lost_twice"), by: .forget) }
        let next = Intent(generation: grant.generation, sends: sends + 1)
        intent = next
        return .writeIntent(next)
    }

    private mutating func afterIntent(_ isWritten: Bool) -> Action {
        guard isWritten, let token = grant?.refreshToken else { return .finish(.unavailable(why: "state_folder")) }
        attempts += 1
        return .send(refreshToken: token)
    }

    private mutating func afterAnswer(_ answer: TokenEndpoint.Answer, _ now: Int) -> Action {
        guard let grant, let intent else { return .finish(.unavailable(why: "internal")) }
        switch answer {
        case .tokens(let tokens):
            let renewed = grant.renewed(by: tokens, now: now)
            fresh = renewed
            return .store(renewed)
        case .spent: return end(.needsSignIn(why: "no_tokens"), by: .forget)
        case .refused("invalid_grant"):
            // Believed only after the store was read again: another program may have been faster.
            isConfirming = true
            return .readStore
        case .refused(let code): return end(.needsSignIn(why: code), by: .forget)
        case .forbidden: return end(.unavailable(why: "refused_address"), by: .clearIntent)
        case .busy, .unreachable:
            self.intent = Intent(generation: intent.generation, sends: intent.sends - 1)
            let why = answer == .busy ? "busy" : "unreachable"
            guard attempts < tries else {
                // Nothing is under way any more: no trace of it is left to be counted later.
                return intent.sends > 1
                    ? .finish(.unavailable(why: why)) : end(.unavailable(why: why), by: .clearIntent)
            }
            return .wait(.milliseconds(200 << (attempts - 1)))
        case .lost:
            guard intent.sends < 2 else { return end(.needsSignIn(why: "lost_twice"), by: .forget) }
            return .wait(.milliseconds(200))
        }
    }

    private mutating func afterStoring(_ isStored: Bool) -> Action {
        guard let stored = fresh else { return .finish(.unavailable(why: "internal")) }
        guard isStored else { return .finish(.unavailable(why: "keyring")) }
        fresh = nil
        return end(.renewed(stored), by: .clearIntent)
    }

    private mutating func end(_ result: Result, by action: Action) -> Action {
        ending = result
        return action
    }
}

extension Grant {
    /// The same grant with what came for its refresh token.
    func renewed(by tokens: TokenEndpoint.Tokens, now: Int) -> Grant {
        var next = self
        next.generation += 1
        next.accessToken = tokens.access
        next.obtained = now
        next.expires = tokens.lifetime.map { now + $0 }
        // A server that does not rotate sends none: the old one stays good.
        next.refreshToken = tokens.refresh ?? refreshToken
        return next
    }
}
