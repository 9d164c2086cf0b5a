import Kits
import Testing

@testable import OAuth

/// A keyring, a state folder and an authorization server that rotates, all of which fail by the numbers of a seed, and
/// programs that renew one grant and are killed.
///
/// The server ends a grant when it sees a used token again, as OAuth 2.1 asks. What must never happen is noted in
/// `complaints`.
struct RefreshSimulation {
    struct Faults {
        var crashes = 0.1
        var server = 0.3
        var keyring = 0.1
        /// Whether a program may be killed while it is unknown what became of its request.
        var crashesInTheDark = true
        /// Whether answers may be lost.
        var losses = true
        /// How often the keyring goes back to what it held before.
        var rollbacks = 0.0
    }

    private struct Crash: Error {}

    private var random: SeededRandom
    private let faults: Faults

    // What survives a program.
    private(set) var stored: Grant? {
        didSet { if let oldValue { past.append(oldValue) } }
    }
    private var past: [Grant] = []
    private var intent: RefreshMachine.Intent?

    // The server.
    private var valid = "refresh-1"
    private var used: Set<String> = []
    private var isAlive = true
    private var issued = 1

    // What is known from above.
    private var undisproved: [String: Int] = [:]
    /// How often it was unknown on the disk's side what became of a request with a token.
    private var dark: [String: Int] = [:]
    /// Whether this program holds tokens that are nowhere else.
    private var holdsTokens = false
    private var seenByThisProgram: Set<String> = []
    /// Tokens of which a program, whichever, knew that they were answered, and had stored what came.
    private var settled: Set<String> = []
    private var lastSent = ""
    private(set) var complaints: [String] = []
    private(set) var renewals = 0
    private(set) var endings: [String: Int] = [:]

    init(seed: UInt64, faults: Faults = Faults()) {
        random = SeededRandom(seed: seed)
        self.faults = faults
        stored = Grant(
            credential: "c",
            generation: 1,
            accessToken: "access-1",
            expires: 100,
            obtained: 0,
            refreshToken: "refresh-1",
            issuer: "https://as",
            resource: "https://rs",
            tokenEndpoint: "https://as/token",
            revocationEndpoint: nil,
            client: RegisteredClient(id: "id"),
            scopes: []
        )
    }

    /// Runs programs one after the other until the grant is gone or `lives` have ended.
    mutating func run(lives: Int) {
        for _ in 0..<lives where stored != nil {
            seenByThisProgram = []
            holdsTokens = false
            guard var known = stored else { return }
            var unstored: Grant?
            // Several renewals a program, of which each goes on from what the last one left.
            for round in 0..<50 where round < 3 || (holdsTokens && !faults.crashesInTheDark) {
                var machine = RefreshMachine(known: known, unstored: unstored, jitter: 0)
                guard let result = try? drive(&machine) else { break }
                unstored = machine.unstored
                switch result {
                case .renewed(let grant), .found(let grant):
                    if stored != grant { complaints.append("a grant is used that is not stored") }
                    known = grant
                    if case .renewed = result { renewals += 1 }
                case .needsSignIn(let why): return lost(why)
                case .locked: endings["locked", default: 0] += 1
                case .unavailable(let why, _): endings[why, default: 0] += 1
                }
            }
            if happens(faults.rollbacks), let old = past.randomElement(using: &random) { stored = old }
            if holdsTokens, let token = stored?.refreshToken { dark[token, default: 0] += 1 }
        }
    }

    private mutating func lost(_ why: String) {
        endings[why, default: 0] += 1
        let isGood = isAlive && lastSent == valid
        switch why {
        case "invalid_grant": if isGood { complaints.append("a good grant was called invalid") }
        case "lost_twice":
            if isGood, dark[lastSent, default: 0] < 2 { complaints.append("a good grant was given up too early") }
        case "no_tokens", "invalid_client": break
        case "keyring_lost_change" where faults.rollbacks > 0: break
        default: complaints.append("given up for \(why)")
        }
    }

    private mutating func happens(_ chance: Double) -> Bool { Double.random(in: 0..<1, using: &random) < chance }

    private mutating func drive(_ machine: inout RefreshMachine) throws -> RefreshMachine.Result {
        var event = RefreshMachine.Event.begin
        for _ in 0..<200 {
            let action = machine.next(event)
            if case .finish(let result) = action { return result }
            if dies(at: action, before: true) { throw Crash() }
            event = perform(action)
            if dies(at: action, before: false) { throw Crash() }
        }
        complaints.append("a renewal without end")
        return .unavailable(why: "endless")
    }

    private mutating func dies(at action: RefreshMachine.Action, before: Bool) -> Bool {
        guard happens(faults.crashes / 2) else { return false }
        let isDark = holdsTokens || leavesRequest(action, before: before)
        if isDark, !faults.crashesInTheDark { return false }
        if isDark, let token = stored?.refreshToken { dark[token, default: 0] += 1 }
        return true
    }

    /// Whether a crash here leaves a request behind that is counted, or not, without anybody knowing.
    private func leavesRequest(_ action: RefreshMachine.Action, before: Bool) -> Bool {
        switch action {
        case .send: true
        case .store: before
        // A count that was raised before its request, or not yet lowered after its answer.
        case .writeIntent, .forget: true
        case .readStore, .wait, .finish: false
        }
    }

    private mutating func perform(_ action: RefreshMachine.Action) -> RefreshMachine.Event {
        switch action {
        case .readStore:
            if happens(faults.rollbacks), let old = past.randomElement(using: &random) { stored = old }
            if happens(faults.keyring) { return .storeRead(happens(0.5) ? .locked : .unavailable, reading) }
            return .storeRead(stored.map { .grant($0) } ?? .absent, reading)
        case .writeIntent(let intent):
            if faults.losses, happens(faults.keyring / 4) {
                // Lowered in memory alone.
                if let token = stored?.refreshToken { dark[token, default: 0] += 1 }
                return .intentWritten(false)
            }
            self.intent = intent
            if intent.sends == 0 { settled.formUnion(seenByThisProgram) }
            return .intentWritten(true)
        case .send(let token): return .answered(answer(to: token), now: 0)
        case .wait: return .waited
        case .store(let grant):
            holdsTokens = true
            if happens(faults.keyring) {
                // It may have been carried out all the same.
                if happens(0.5) { stored = grant }
                return .stored(false)
            }
            stored = grant
            holdsTokens = false
            return .stored(true)
        case .forget(let seal):
            if happens(faults.keyring) {
                intent = seal
                if let token = stored?.refreshToken { dark[token, default: 0] += 2 }
            } else {
                stored = nil
                intent = nil
            }
            return .forgotten
        case .finish: return .waited
        }
    }

    private var reading: RefreshMachine.IntentReading { intent.map { .intent($0) } ?? .none }

    // MARK: The server

    private mutating func answer(to token: String) -> TokenEndpoint.Answer {
        if settled.contains(token) { complaints.append("a token is sent after a program had stored what came for it") }
        if seenByThisProgram.contains(token) { complaints.append("a spent token was sent again") }
        lastSent = token
        undisproved[token, default: 0] += 1
        if undisproved[token, default: 0] > 2 { complaints.append("a token was sent a third time") }
        guard happens(faults.server) else { return process(token) }
        switch Int.random(in: 0..<7, using: &random) {
        case 0: return disproved(token, .busy(pause: happens(0.3) ? 30 : nil))
        case 1: return disproved(token, .unreachable)
        case 2: return disproved(token, .busy(pause: nil))
        case 3 where faults.losses:
            dark[token, default: 0] += 1
            return .lost
        case 4 where faults.losses:
            _ = process(token)
            seenByThisProgram.remove(token)
            dark[token, default: 0] += 1
            return .lost
        case 5 where faults.losses:
            _ = process(token)
            seenByThisProgram.insert(token)
            return .spent
        case 6 where happens(0.1): return disproved(token, .refused("invalid_client"))
        default: return disproved(token, .busy(pause: 1))
        }
    }

    private mutating func disproved(_ token: String, _ answer: TokenEndpoint.Answer) -> TokenEndpoint.Answer {
        undisproved[token, default: 0] -= 1
        return answer
    }

    private mutating func process(_ token: String) -> TokenEndpoint.Answer {
        if used.contains(token) { isAlive = false }
        guard isAlive, token == valid else { return .refused("invalid_grant") }
        used.insert(token)
        seenByThisProgram.insert(token)
        issued += 1
        valid = "refresh-\(issued)"
        return .tokens(
            TokenEndpoint.Tokens(access: "access-\(issued)", refresh: valid, lifetime: 100, scopes: nil)
        )
    }
}
