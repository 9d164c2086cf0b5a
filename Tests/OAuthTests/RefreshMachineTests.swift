import Testing

@testable import OAuth

@Suite("The machine of a renewal")
struct RefreshMachineTests {
    private let tokens = TokenEndpoint.Tokens(access: "a2", refresh: "r2", lifetime: 60, scopes: nil)

    private func grant(_ generation: Int = 1, refresh: String? = "r1") -> Grant {
        Grant(
            credential: "c",
            generation: generation,
            accessToken: "a\(generation)",
            expires: 60,
            obtained: 0,
            refreshToken: refresh,
            issuer: "https://as",
            resource: "https://rs",
            tokenEndpoint: "https://as/token",
            revocationEndpoint: nil,
            client: RegisteredClient(id: "id"),
            scopes: []
        )
    }

    private func intent(_ sends: Int, generation: Int = 1) -> RefreshMachine.Intent {
        RefreshMachine.Intent(generation: generation, sends: sends)
    }

    /// A machine that has just sent its token, with `sends` requests before it whose outcome is unknown.
    private func sent(_ sends: Int = 0) -> RefreshMachine {
        var machine = RefreshMachine(known: grant(), jitter: 0)
        #expect(machine.next(.begin) == .readStore)
        let reading: RefreshMachine.IntentReading = sends > 0 ? .intent(intent(sends)) : .none
        #expect(machine.next(.storeRead(.grant(grant()), reading)) == .writeIntent(intent(sends + 1)))
        #expect(machine.next(.intentWritten(true)) == .send(refreshToken: "r1"))
        return machine
    }

    @Test("The intent comes before the request, the store before the use, and the intent is settled last")
    func order() {
        var machine = sent()
        let renewed = grant().renewed(by: tokens, now: 100)
        #expect(machine.next(.answered(.tokens(tokens), now: 100)) == .store(renewed))
        #expect(machine.next(.stored(true)) == .writeIntent(intent(0, generation: 2)))
        #expect(machine.next(.intentWritten(true)) == .finish(.renewed(renewed)))
        #expect(renewed.generation == 2)
        #expect(renewed.expires == 160)
        #expect(renewed.refreshToken == "r2")
    }

    @Test("A server that does not rotate leaves the old token good")
    func withoutRotation() {
        let tokens = TokenEndpoint.Tokens(access: "a2", refresh: nil, lifetime: nil, scopes: nil)
        let renewed = grant().renewed(by: tokens, now: 100)
        #expect(renewed.refreshToken == "r1")
        #expect(renewed.expires == nil)
        #expect(renewed.renewal == nil)
    }

    @Test("Without an intent on the disk nothing is sent")
    func noIntent() {
        var machine = RefreshMachine(known: grant(), jitter: 0)
        _ = machine.next(.begin)
        _ = machine.next(.storeRead(.grant(grant()), .none))
        #expect(machine.next(.intentWritten(false)) == .finish(.unavailable(why: "state_folder")))
        machine = RefreshMachine(known: grant(), jitter: 0)
        _ = machine.next(.begin)
        #expect(
            machine.next(.storeRead(.grant(grant()), .unreadable)) == .finish(.unavailable(why: "state_folder"))
        )
    }

    @Test("What the keyring has and this program does not know yet is taken, and nothing is sent")
    func newerGrant() {
        var machine = RefreshMachine(known: grant(), jitter: 0)
        _ = machine.next(.begin)
        #expect(machine.next(.storeRead(.grant(grant(2)), .none)) == .finish(.found(grant(2))))
    }

    @Test("A keyring that is locked or away sends nothing")
    func closedKeyring() {
        for (stored, result) in [
            (RefreshMachine.Stored.locked, RefreshMachine.Result.locked),
            (.unavailable, .unavailable(why: "keyring")),
        ] {
            var machine = RefreshMachine(known: grant(), jitter: 0)
            _ = machine.next(.begin)
            #expect(machine.next(.storeRead(stored, .none)) == .finish(result))
        }
    }

    @Test(
        "A grant that the keyring has lost is put there again before it is used",
        arguments: [RefreshMachine.Stored.absent, .damaged]
    )
    func lostGrant(stored: RefreshMachine.Stored) {
        var machine = RefreshMachine(known: grant(), jitter: 0)
        _ = machine.next(.begin)
        #expect(machine.next(.storeRead(stored, .none)) == .store(grant()))
        #expect(machine.next(.stored(true)) == .writeIntent(intent(1)))
    }

    @Test(
        "After a busy server the count is taken back on disk before anything else, then it is asked again with back-off"
    )
    func busy() {
        var machine = sent()
        for milliseconds in [125, 250, 500, 1000] {
            #expect(machine.next(.answered(.busy(pause: nil), now: 0)) == .writeIntent(intent(0)))
            #expect(machine.next(.intentWritten(true)) == .wait(.milliseconds(milliseconds)))
            #expect(machine.next(.waited) == .writeIntent(intent(1)))
            #expect(machine.next(.intentWritten(true)) == .send(refreshToken: "r1"))
        }
        #expect(machine.next(.answered(.unreachable, now: 0)) == .writeIntent(intent(0)))
        #expect(machine.next(.intentWritten(true)) == .finish(.unavailable(why: "unreachable")))
    }

    @Test("A server is waited for as long as it asks, if that is short, and is left alone otherwise")
    func retryAfter() {
        var machine = sent()
        _ = machine.next(.answered(.busy(pause: 2), now: 0))
        #expect(machine.next(.intentWritten(true)) == .wait(.seconds(2)))
        machine = sent()
        _ = machine.next(.answered(.busy(pause: 60), now: 0))
        #expect(machine.next(.intentWritten(true)) == .finish(.unavailable(why: "busy", pause: 60)))
    }

    @Test("A busy answer to the second request leaves the first one open, on disk as well")
    func busyAfterLoss() {
        var machine = sent(1)
        #expect(machine.next(.answered(.busy(pause: nil), now: 0)) == .writeIntent(intent(1)))
        #expect(machine.next(.intentWritten(true)) == .wait(.milliseconds(125)))
        #expect(machine.next(.waited) == .writeIntent(intent(2)))
    }

    @Test("A request that was lost is sent once more, and never a third time")
    func lost() {
        var machine = sent()
        #expect(machine.next(.answered(.lost, now: 0)) == .wait(.milliseconds(500)))
        #expect(machine.next(.waited) == .writeIntent(intent(2)))
        #expect(machine.next(.intentWritten(true)) == .send(refreshToken: "r1"))
        #expect(machine.next(.answered(.lost, now: 0)) == .forget(seal: intent(2)))
        #expect(machine.next(.forgotten) == .finish(.needsSignIn(why: "lost_twice")))
    }

    @Test("An open intent of a crash counts as a request; one of an older token does not")
    func openIntent() {
        var machine = RefreshMachine(known: grant(), jitter: 0)
        _ = machine.next(.begin)
        #expect(machine.next(.storeRead(.grant(grant()), .intent(intent(2)))) == .forget(seal: intent(2)))
        machine = RefreshMachine(known: grant(2), jitter: 0)
        _ = machine.next(.begin)
        let old = RefreshMachine.IntentReading.intent(intent(2))
        #expect(machine.next(.storeRead(.grant(grant(2)), old)) == .writeIntent(intent(1, generation: 2)))
    }

    @Test("invalid_grant is believed only after the store was read again")
    func invalidGrant() {
        var machine = sent()
        #expect(machine.next(.answered(.refused("invalid_grant"), now: 0)) == .readStore)
        #expect(machine.next(.storeRead(.grant(grant(2)), .none)) == .finish(.found(grant(2))))
        machine = sent()
        _ = machine.next(.answered(.refused("invalid_grant"), now: 0))
        #expect(machine.next(.storeRead(.grant(grant()), .none)) == .forget(seal: intent(2)))
        #expect(machine.next(.forgotten) == .finish(.needsSignIn(why: "invalid_grant")))
        machine = sent()
        _ = machine.next(.answered(.refused("invalid_grant"), now: 0))
        #expect(machine.next(.storeRead(.locked, .none)) == .finish(.locked))
    }

    @Test("Another refusal needs the user and keeps the grant for a server that changes its mind")
    func otherRefusal() {
        var machine = sent()
        #expect(machine.next(.answered(.refused("invalid_client"), now: 0)) == .writeIntent(intent(0)))
        #expect(machine.next(.intentWritten(true)) == .finish(.needsSignIn(why: "invalid_client")))
    }

    @Test("A success without tokens spends the token")
    func spent() {
        var machine = sent()
        #expect(machine.next(.answered(.spent, now: 0)) == .forget(seal: intent(2)))
    }

    @Test("Tokens that could not be stored are kept for the next attempt, which sends nothing")
    func unstored() {
        var machine = sent()
        let renewed = grant().renewed(by: tokens, now: 0)
        _ = machine.next(.answered(.tokens(tokens), now: 0))
        #expect(machine.next(.stored(false)) == .finish(.unavailable(why: "keyring")))
        #expect(machine.unstored == renewed)
        var next = RefreshMachine(known: grant(), unstored: machine.unstored, jitter: 0)
        #expect(next.next(.begin) == .store(renewed))
        #expect(next.next(.stored(true)) == .writeIntent(intent(0, generation: 2)))
        #expect(next.unstored == nil)
        #expect(next.next(.intentWritten(true)) == .finish(.renewed(renewed)))
    }

    @Test("A grant without a refresh token needs the user")
    func noRefreshToken() {
        var machine = RefreshMachine(known: grant(refresh: nil), jitter: 0)
        _ = machine.next(.begin)
        #expect(machine.next(.storeRead(.grant(grant(refresh: nil)), .none)) == .forget(seal: intent(2)))
    }

    @Test("Tokens that the keyring has lost are put into it again, and the older ones are not sent")
    func rolledBack() {
        var machine = RefreshMachine(known: grant(2, refresh: "r2"), jitter: 0)
        _ = machine.next(.begin)
        let settled = RefreshMachine.IntentReading.intent(intent(0, generation: 2))
        #expect(machine.next(.storeRead(.grant(grant(1)), settled)) == .store(grant(2, refresh: "r2")))
        // A keyring that does not take them is no reason either.
        #expect(machine.next(.stored(false)) == .writeIntent(intent(1, generation: 2)))
        #expect(machine.next(.intentWritten(true)) == .send(refreshToken: "r2"))
    }

    @Test("Tokens that an earlier life had replaced are not sent when the keyring brings them back")
    func rolledBackBetweenLives() {
        var machine = RefreshMachine(known: grant(1), jitter: 0)
        _ = machine.next(.begin)
        let settled = RefreshMachine.IntentReading.intent(intent(0, generation: 2))
        let end = RefreshMachine.Action.finish(.needsSignIn(why: "keyring_lost_change"))
        #expect(machine.next(.storeRead(.grant(grant(1)), settled)) == end)
    }

    @Test("A refusal without a word is asked once, and keeps the grant")
    func wordless() {
        var machine = sent()
        #expect(machine.next(.answered(.wordless, now: 0)) == .writeIntent(intent(0)))
        let end = RefreshMachine.Action.finish(.unavailable(why: "refused_without_reason"))
        #expect(machine.next(.intentWritten(true)) == end)
    }

    @Test("Three such refusals over two minutes mean that the grant has ended; before, they may be a server's trouble")
    func wordlessForGood() {
        let second: Int64 = 1_000_000_000
        var refusals = WordlessRefusals()
        for time in [0, 1, 2, 119] as [Int64] {
            let isFinal = refusals.isFinal(at: time * second)
            #expect(!isFinal)
        }
        let isFinal = refusals.isFinal(at: 120 * second)
        #expect(isFinal)
        var few = WordlessRefusals()
        for time in [0, 200] as [Int64] {
            let isFinal = few.isFinal(at: time * second)
            #expect(!isFinal)
        }
    }

    @Test("A keyring that goes back never makes a program send what was answered, in this life or a later one")
    func rollbacks() {
        var lost = 0
        for seed in 0..<2000 {
            var simulation = RefreshSimulation(
                seed: UInt64(seed),
                faults: .init(server: 0, keyring: 0, crashesInTheDark: false, losses: false, rollbacks: 0.2)
            )
            simulation.run(lives: 5)
            #expect(simulation.complaints.isEmpty, "\(seed): \(simulation.complaints)")
            lost += simulation.endings["keyring_lost_change", default: 0]
        }
        #expect(lost > 0)
    }

    @Test(
        "Whatever fails and whenever it is killed: no spent token is sent again, no third time, no grant lost for nothing"
    )
    func simulation() {
        var renewals = 0
        var endings: [String: Int] = [:]
        for seed in 0..<4000 {
            var world = RefreshSimulation(seed: UInt64(seed))
            world.run(lives: 12)
            #expect(world.complaints.isEmpty, "seed \(seed): \(world.complaints)")
            renewals += world.renewals
            endings.merge(world.endings, uniquingKeysWith: +)
        }
        // A simulation in which nothing happens proves nothing.
        #expect(renewals > 4000)
        for why in ["lost_twice", "invalid_grant", "no_tokens", "invalid_client", "busy", "keyring", "locked"] {
            #expect(endings[why, default: 0] > 10, "\(why): \(endings)")
        }
    }

    @Test("Busy servers, closed keyrings and crashes that leave nothing in the dark cost no grant")
    func nothingLost() {
        var faults = RefreshSimulation.Faults()
        faults.crashesInTheDark = false
        faults.losses = false
        for seed in 0..<2000 {
            var world = RefreshSimulation(seed: UInt64(seed), faults: faults)
            world.run(lives: 12)
            #expect(world.complaints.isEmpty, "seed \(seed): \(world.complaints)")
            let lost = world.endings.filter { ["lost_twice", "invalid_grant", "no_tokens"].contains($0.key) }
            #expect(lost.isEmpty, "seed \(seed): \(lost)")
        }
    }
}
