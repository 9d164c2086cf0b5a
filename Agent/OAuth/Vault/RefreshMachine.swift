internal import ServiceKit

/// Decides, step by step, how one grant is renewed; it does nothing itself.
///
/// A refresh token that rotates is good for one request, and a server that sees it twice ends the whole grant. So what
/// may be sent again is decided by what is known to have happened to it:
///
/// * an answer with tokens, or any other success: never again;
/// * an answer of a server that did not take the request (busy, a page), or no connection: again, after a while;
/// * no answer, or a crash: what happened is unknown. Once more, never a third time.
///
/// Before a token leaves, an intent is written that says so; before new tokens are used they are stored. A keyring can
/// go back to an older state (a backup, a daemon that ended before it wrote): tokens in memory that are newer are put
/// into it again, and where an earlier life of this program had newer ones, the older are not sent.
struct RefreshMachine: Sendable {
    /// What the disk has of a grant: no secret.
    struct Intent: Sendable, Equatable {
        /// The newest of a grant's tokens that was stored.
        let generation: Int
        /// How many requests with it may have been taken, as far as anybody knows; 0 while none is under way.
        let sends: Int

        /// So many that there will be no further one.
        static let mostSends = 2
    }

    /// What the driver must do next; each is answered by the event of its name.
    enum Action: Sendable, Equatable {
        case readStore
        case writeIntent(Intent)
        case send(refreshToken: String)
        case wait(Duration)
        case store(Grant)
        /// Removes the grant and its intent; where the grant cannot be removed, `seal` takes the place of its intent.
        case forget(seal: Intent)
        case finish(Result)
    }

    /// What the driver brings back.
    enum Event: Sendable {
        case begin
        case storeRead(Stored, IntentReading)
        case intentWritten(Bool)
        case answered(TokenEndpoint.Answer, now: Int)
        case waited
        case stored(Bool)
        case forgotten
    }

    /// What the keyring says.
    enum Stored: Sendable, Equatable {
        case grant(Grant), absent, locked, unavailable
        /// There is one that cannot be read.
        case damaged
    }

    /// What the state folder says.
    enum IntentReading: Sendable, Equatable {
        case none
        case intent(Intent)
        /// There may be one, and it cannot be read.
        case unreadable
    }

    /// How it ended; `why` is a code for the record.
    enum Result: Sendable, Equatable {
        case renewed(Grant)
        /// Another process had renewed it already.
        case found(Grant)
        case needsSignIn(why: String)
        case locked
        /// `pause`: the seconds that the server wants to be left alone.
        case unavailable(why: String, pause: Int? = nil)
    }

    /// The current step: what the last action was for.
    private enum Step: Sendable {
        case reading
        /// The store is read again because the server calls the token invalid.
        case confirming
        /// The intent of a request that is about to leave.
        case announcing
        case sending
        /// What is known about the last request is written down, before this.
        case settling(then: Action)
        case pausing
        case storing(Grant)
        /// Tokens that the keyring has lost are put into it again, before they are used.
        case restoring
        case ending(Result)
    }

    /// Why a renewal came to nothing where the server refuses it and says nothing.
    static let wordless = "refused_without_reason"
    /// Why a renewal came to nothing where the keyring cannot be used, or did not take what came.
    static let keyring = "keyring"
    private static let tries = 5
    /// The longest that a caller is kept waiting because a server asks for it.
    private static let patience = 5

    /// The grant that is too old, or was rejected.
    private let known: Grant
    /// From 0 up to 1, so that not every agent asks again at the same time.
    private let jitter: Double
    private var step = Step.reading
    private var attempts = 0
    private var sends = 0
    private var grant: Grant?

    /// Tokens that came and could not be stored, for the next attempt.
    private(set) var unstored: Grant?

    /// A renewal of `known`, or the rest of one whose tokens came and are not stored yet.
    init(known: Grant, unstored: Grant? = nil, jitter: Double) {
        self.known = known
        self.unstored = unstored
        self.jitter = jitter
    }

    /// What to do after an event; one that does not answer the last action ends it.
    mutating func next(_ event: Event) -> Action {
        switch (step, event) {
        case (.reading, .begin):
            guard let unstored else { return .readStore }
            return store(unstored)
        case (.reading, .storeRead(let stored, let intent)): return afterReading(stored, intent)
        case (.confirming, .storeRead(let stored, _)): return afterConfirming(stored)
        case (.announcing, .intentWritten(let isWritten)): return afterAnnouncing(isWritten)
        case (.sending, .answered(let answer, let now)): return afterAnswer(answer, now)
        // A count that could not be lowered on disk errs on the safe side.
        case (.settling(let action), .intentWritten):
            if case .wait = action { step = .pausing }
            return action
        case (.pausing, .waited): return announce()
        case (.storing(let grant), .stored(let isStored)): return afterStoring(grant, isStored)
        // Not stored again is no reason to send an older one: what is in memory is used all the same.
        case (.restoring, .stored): return announce()
        case (.ending(let result), .intentWritten), (.ending(let result), .forgotten): return .finish(result)
        case (_, _): return .finish(.unavailable(why: "internal"))
        }
    }

    // MARK: Steps

    private mutating func afterReading(_ stored: Stored, _ intent: IntentReading) -> Action {
        switch stored {
        case .locked: return .finish(.locked)
        case .unavailable: return .finish(.unavailable(why: Self.keyring))
        // What is in memory is newer than a keyring that was reset, or put back: who signs out does it here.
        case .absent, .damaged: return afterReading(nil, intent)
        case .grant(let grant):
            // The keyring is the truth: what an earlier life of this program put there counts.
            guard isKnown(grant) else { return .finish(.found(grant)) }
            return afterReading(grant, intent)
        }
    }

    /// Goes on with what is stored; nil where that cannot be read.
    private mutating func afterReading(_ stored: Grant?, _ intent: IntentReading) -> Action {
        // Where the keyring went back: a refresh token that was answered is never sent again.
        let newest = if let stored, stored.generation >= known.generation { stored } else { known }
        grant = newest
        switch intent {
        case .none: sends = 0
        case .unreadable: return .finish(.unavailable(why: "state_folder"))
        case .intent(let intent) where intent.generation > newest.generation:
            return .finish(.needsSignIn(why: "keyring_lost_change"))
        case .intent(let intent): sends = intent.generation == newest.generation ? intent.sends : 0
        }
        guard newest.refreshToken != nil else { return forget(.needsSignIn(why: "no_refresh_token")) }
        guard newest == stored else {
            step = .restoring
            return .store(newest)
        }
        return announce()
    }

    private func isKnown(_ grant: Grant) -> Bool {
        grant.credential == known.credential && grant.generation <= known.generation
    }

    /// Counts the request as taken before it is sent; only an answer can take that back.
    private mutating func announce() -> Action {
        guard sends < Intent.mostSends else { return forget(.needsSignIn(why: "lost_twice")) }
        sends += 1
        step = .announcing
        return .writeIntent(intent)
    }

    private var intent: Intent { Intent(generation: grant?.generation ?? known.generation, sends: sends) }

    private mutating func afterAnnouncing(_ isWritten: Bool) -> Action {
        guard isWritten, let token = grant?.refreshToken else { return .finish(.unavailable(why: "state_folder")) }
        attempts += 1
        step = .sending
        return .send(refreshToken: token)
    }

    private mutating func afterAnswer(_ answer: TokenEndpoint.Answer, _ now: Int) -> Action {
        guard let grant else { return .finish(.unavailable(why: "internal")) }
        switch answer {
        case .tokens(let tokens): return store(grant.renewed(by: tokens, now: now))
        case .spent: return forget(.needsSignIn(why: "no_tokens"))
        case .refused("invalid_grant"):
            // Believed only after the store was read again: the token may have been an old one.
            step = .confirming
            return .readStore
        // Not taken, and not by the token's fault: the grant stays for a server that changes its mind.
        case .refused(let refusal): return settle(.finish(.needsSignIn(why: refusal.code)))
        case .forbidden: return settle(.finish(.unavailable(why: "refused_address")))
        case .busy(let pause): return afterDelay("busy", pause)
        // Neither a no that can be believed at once nor a reason to ask again at once.
        case .wordless: return settle(.finish(.unavailable(why: Self.wordless)))
        case .unreachable: return afterDelay("unreachable", nil)
        case .lost:
            guard sends < Intent.mostSends else { return forget(.needsSignIn(why: "lost_twice")) }
            step = .pausing
            return .wait(Backoff.spread(.seconds(1), chance: jitter))
        }
    }

    private mutating func afterDelay(_ why: String, _ pause: Int?) -> Action {
        guard attempts < Self.tries, pause ?? 0 <= Self.patience else {
            return settle(.finish(.unavailable(why: why, pause: pause)))
        }
        let delay = Backoff.spread(.milliseconds(250 << (attempts - 1)), chance: jitter)
        return settle(.wait(max(delay, .seconds(pause ?? 0))))
    }

    private mutating func afterConfirming(_ stored: Stored) -> Action {
        switch stored {
        case .locked: return .finish(.locked)
        case .unavailable: return .finish(.unavailable(why: Self.keyring))
        case .absent, .damaged: return forget(.needsSignIn(why: "invalid_grant"))
        case .grant(let grant):
            return isKnown(grant) ? forget(.needsSignIn(why: "invalid_grant")) : .finish(.found(grant))
        }
    }

    private mutating func store(_ grant: Grant) -> Action {
        unstored = grant
        step = .storing(grant)
        return .store(grant)
    }

    private mutating func afterStoring(_ grant: Grant, _ isStored: Bool) -> Action {
        guard isStored else { return .finish(.unavailable(why: Self.keyring)) }
        unstored = nil
        step = .ending(.renewed(grant))
        return .writeIntent(Intent(generation: grant.generation, sends: 0))
    }

    /// Takes the last request back from the count, since it was answered and not taken.
    private mutating func settle(_ action: Action) -> Action {
        sends -= 1
        step = .settling(then: action)
        return .writeIntent(intent)
    }

    private mutating func forget(_ result: Result) -> Action {
        step = .ending(result)
        return .forget(seal: Intent(generation: intent.generation, sends: Intent.mostSends))
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
