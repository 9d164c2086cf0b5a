import AgentState
import Contract
import Foundation
import StrictJSON
import Testing
import TransparencyLog

@testable import CoordinatorLink

/// The upload of a log between the machine under test and a model coordinator, over a network that loses, repeats and
/// reorders, while both sides crash.
///
/// One seed is one history, always the same.
@Suite("Upload, simulated")
struct UploadSimulationTests {
    /// More of them with DOORWARD_SEEDS.
    static var seeds: Int {
        ProcessInfo.processInfo.environment["DOORWARD_SEEDS"].flatMap(Int.init) ?? 1000
    }

    @Test("Every record is there once and in order, whatever happens on the way", arguments: 0..<8)
    func safety(part: Int) throws {
        for seed in stride(from: part, to: Self.seeds, by: 8) {
            var world = try SimulatedUpload(seed: UInt64(seed), rollbacks: false)
            try world.run(steps: 120)
            let problem = world.finish()
            #expect(problem == nil, "seed \(seed): \(problem ?? "")")
        }
    }

    @Test("A folder that goes back in time costs no record and is no contradiction", arguments: 0..<4)
    func rollback(part: Int) throws {
        for seed in stride(from: part, to: Self.seeds / 2, by: 4) {
            var world = try SimulatedUpload(seed: UInt64(seed), rollbacks: true)
            try world.run(steps: 120)
            let problem = world.finish()
            #expect(problem == nil, "seed \(seed): \(problem ?? "")")
        }
    }
}

/// Two sides, a network, and dice.
struct SimulatedUpload {
    /// The folder of the agent: what survives its crash.
    struct Folder {
        var edge = MerkleFrontier()
        /// The records that are not countersigned as far as the folder knows, and those before.
        var records: [[UInt8]] = []
        /// The first number of `records`.
        var first: UInt64 = 0

        var end: UInt64 { first + UInt64(records.count) }
        func leaves(from start: UInt64, to end: UInt64) -> [Hash] {
            records[Int(start - first)..<Int(end - first)].map { Hash.leaf($0) }
        }
    }

    enum Message {
        case upload([UInt8])
        case question
    }

    enum Reply {
        case answer(ModelCoordinator.Answer)
        case state(LogState)
    }

    private var coordinator = ModelCoordinator()
    private let me: Machine
    private let proofs: UploadProofs
    private var dice: SeededGenerator
    private let rollbacks: Bool

    private var folder = Folder()
    private var machine: UploadMachine
    private var now = Duration.seconds(1)
    /// What the agent waits for: the upload's checkpoint, or a state; nil while it waits for nothing.
    private var waiting: (id: Int, note: Note?, checkpoint: Checkpoint?, deadline: Duration)?
    private var lastID = 0
    private var uplink: [(id: Int, message: Message)] = []
    private var downlink: [(id: Int, reply: Reply)] = []
    /// Texts of all records that were ever made: they must be there in the end.
    private var made: Set<Int> = []
    private var lastMade = 0
    private var backups: [Folder] = []
    private var isQuiet = false

    init(seed: UInt64, rollbacks: Bool) throws {
        me = Machine(&coordinator)
        proofs = UploadProofs(me.membership)
        dice = SeededGenerator(seed: seed)
        self.rollbacks = rollbacks
        machine = UploadMachine(edge: folder.edge)
    }

    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            now += .milliseconds(Int.random(in: 1...400, using: &dice))
            switch Int.random(in: 0..<100, using: &dice) {
            case 0..<30: record(Int.random(in: 1...4, using: &dice))
            case 30..<55: try act()
            case 55..<72: try deliverUp()
            case 72..<89: try deliverDown()
            case 89..<92: if !uplink.isEmpty { uplink.remove(at: pick(uplink.count)) }
            case 92..<94: if !downlink.isEmpty { downlink.remove(at: pick(downlink.count)) }
            case 94..<96: if let message = uplink.randomElement(using: &dice) { uplink.append(message) }
            case 96..<98: crash()
            case 98..<99: machine.doubt()
            default: if rollbacks { goBack() }
            }
        }
    }

    /// Lets everything settle, then says what is wrong, if something is.
    mutating func finish() -> String? {
        isQuiet = true
        do {
            for _ in 0..<400 {
                now += .seconds(2)
                try act()
                while !uplink.isEmpty { try deliverUp() }
                while !downlink.isEmpty { try deliverDown() }
                if waiting == nil, machine.edge.size == folder.end, machine.halt == nil { break }
            }
        } catch {
            return "\(error)"
        }
        guard let log = coordinator.agents[me.membership.agentID] else { return "the agent is gone" }
        if log.isLocked { return "locked for a contradiction that was none" }
        if let halt = machine.halt { return "halted: \(halt)" }
        if machine.edge.size != folder.end { return "\(folder.end - machine.edge.size) records were not countersigned" }
        if log.leaves.count != Int(folder.end) { return "the coordinator has another size" }
        let stored = log.records.compactMap { try? JSONValue(canonical: $0) }
        if stored.compactMap({ $0["seq"]?.int }) != Array(0..<log.leaves.count) {
            return "the numbers are not in order"
        }
        let marks = stored.compactMap { $0["mark"]?.int }
        if !made.isSubset(of: marks) { return "lost: \(made.subtracting(marks).sorted())" }
        if !rollbacks, marks != Array(1...max(lastMade, 1)).filter({ made.contains($0) }) { return "repeated or moved" }
        return nil
    }

    // MARK: The agent

    private mutating func record(_ count: Int) {
        for _ in 0..<count {
            lastMade += 1
            made.insert(lastMade)
            append(["mark": .int(lastMade)])
        }
    }

    private mutating func append(_ members: JSONObject) {
        var members = members
        members["seq"] = .int(Int(folder.end))
        guard let bytes = try? JSONValue.object(members).canonicalBytes() else { return }
        folder.records.append(bytes)
    }

    private mutating func act() throws {
        if let waiting {
            guard now >= waiting.deadline else { return }
            let size = waiting.checkpoint?.size
            self.waiting = nil
            if let size {
                machine.lost(to: size, now: now, chance: 0.5)
            } else {
                machine.failed(now: now, chance: 0.5)
            }
            return
        }
        let isUrgent = Bool.random(using: &dice)
        switch machine.next(now: now, durable: folder.end, isUrgent: isUrgent) {
        case .wait: break
        case .ask: send(.question, nil, nil)
        case .compare(let known):
            var edge = machine.edge
            for leaf in folder.leaves(from: edge.size, to: known.size) { edge.append(hash: leaf) }
            machine.compared(edge)
        case .adopt(let edge):
            guard edge.size >= folder.first, edge.size <= folder.end else { return machine.cannotAdopt(now: now) }
            folder.edge = edge
            // The process can end between the two.
            if !isQuiet, Int.random(in: 0..<20, using: &dice) == 0 { return crash() }
            machine.adopted(edge)
        case .goOn(let edge):
            let rest = folder.records[Int(folder.edge.size - folder.first)...]
            folder.records = []
            folder.first = edge.size
            append(["rollback": true])
            for bytes in rest {
                guard case .object(let members) = try JSONValue(canonical: bytes) else { continue }
                append(members)
            }
            folder.edge = edge
            if !isQuiet, Int.random(in: 0..<20, using: &dice) == 0 { return crash() }
            machine.adopted(edge)
        case .upload(let edge, let size):
            let end = min(size, folder.end)
            var next = edge
            for leaf in folder.leaves(from: edge.size, to: end) { next.append(hash: leaf) }
            let checkpoint = Checkpoint(origin: proofs.origin, size: next.size, root: next.root)
            let note = try checkpoint.signed(by: me.key)
            let records = folder.records[Int(edge.size - folder.first)..<Int(end - folder.first)]
            let upload = LogUpload(old: Int(edge.size), note: note.bytes, records: records.map { $0[...] })
            send(.upload(upload.bytes), note, checkpoint)
        }
    }

    private mutating func send(_ message: Message, _ note: Note?, _ checkpoint: Checkpoint?) {
        lastID += 1
        uplink.append((lastID, message))
        waiting = (lastID, note, checkpoint, now + .seconds(30))
    }

    /// The agent is killed, and starts again from its folder.
    private mutating func crash() {
        machine = UploadMachine(edge: folder.edge)
        waiting = nil
        if Bool.random(using: &dice) { backups.append(folder) }
    }

    /// The folder is restored from a copy while the agent is down.
    ///
    /// What was recorded since is gone with it, if it was
    /// nowhere else; so only what the coordinator has, and what is recorded from now on, can be asked for.
    private mutating func goBack() {
        guard let backup = backups.randomElement(using: &dice) else { return }
        folder = backup
        let kept = (coordinator.agents[me.membership.agentID]?.records ?? []) + folder.records
        made = Set(kept.compactMap { (try? JSONValue(canonical: $0))?["mark"]?.int })
        // A message of before that arrives afterwards would be a contradiction: that connection ended with its process.
        uplink = []
        machine = UploadMachine(edge: folder.edge)
        waiting = nil
    }

    // MARK: The network and the other side

    private mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &dice) }

    private mutating func deliverUp() throws {
        guard !uplink.isEmpty else { return }
        let (id, message) = uplink.remove(at: pick(uplink.count))
        let reply: Reply
        switch message {
        case .question: reply = .state(try coordinator.state(me.membership.agentID))
        case .upload(let body): reply = .answer(try coordinator.take(body, from: me.membership.agentID))
        }
        // It can crash after the commit and before the answer.
        if isQuiet || Int.random(in: 0..<10, using: &dice) > 0 { downlink.append((id, reply)) }
    }

    private mutating func deliverDown() throws {
        guard !downlink.isEmpty else { return }
        let (id, reply) = downlink.remove(at: pick(downlink.count))
        // An answer to a question that the agent no longer waits for has no connection to come on.
        guard let waiting, waiting.id == id else { return }
        self.waiting = nil
        switch reply {
        case .state(let state): machine.known(try proofs.known(state).edge, recorded: folder.end, now: now)
        case .answer(.json(let json)):
            guard let note = waiting.note, let checkpoint = waiting.checkpoint else { return }
            _ = try proofs.check(try LogReceipt(json), for: note, checkpoint)
            var edge = machine.edge
            for leaf in folder.leaves(from: edge.size, to: checkpoint.size) { edge.append(hash: leaf) }
            machine.uploaded(edge)
        case .answer(.problem(let problem)):
            if problem.code == "log_conflict" {
                machine.conflicted(now: now, chance: 0.5)
            } else {
                machine.halt(.rejected(problem.code), now: now)
            }
        case .answer(.nothing): break
        }
    }
}

/// splitmix64 (https://prng.di.unimi.it/splitmix64.c).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x2545_F491_4F6C_DD1D &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
