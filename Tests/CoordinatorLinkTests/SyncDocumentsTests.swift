import AgentState
import AuditLog
import Bytes
import Contract
import Errors
import Policy
import ServiceKit
import StrictJSON
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("What an agent obeys")
struct SyncDocumentsTests {
    private let coordinator: ModelCoordinator
    private let machine: Machine
    private let now = 1_800_000_000

    init() {
        var model = ModelCoordinator()
        machine = Machine(&model)
        coordinator = model
    }

    private var id: String { machine.membership.agentID }

    private func full(_ counter: Int, version: Int, made: Int? = nil) throws -> SyncAnswer {
        try coordinator.answer(id, counter: counter, version: version, made: made)
    }

    private func documents(_ counter: Int, version: Int) throws -> SyncDocuments {
        var documents = SyncDocuments(machine.membership)
        try documents.take(try full(counter, version: version), now: now)
        return documents
    }

    /// An answer whose state names exactly the notes in it, with others of the coordinator's in the place of some.
    private func signed(
        _ counter: Int,
        bundle: String? = nil,
        binding: String? = nil,
        entries: String? = nil,
        policy: Int = 6
    ) throws -> SyncAnswer {
        let bundle = try bundle ?? coordinator.bundle(6)
        let binding = try binding ?? coordinator.binding(id, sub: "u-1", policy: policy)
        let entries = try entries ?? coordinator.entries(id, ["one"])
        let org = try coordinator.head()
        return SyncAnswer(
            state: try coordinator.state(
                id,
                counter: counter,
                bundle: bundle,
                binding: binding,
                entries: entries,
                org: org
            ),
            bundle: bundle,
            binding: binding,
            entries: entries,
            orgCheckpoint: org,
            consistency: nil
        )
    }

    @Test("All of an answer is in force, and what is not in the next one stays")
    func taken() throws {
        var documents = try documents(3, version: 2)
        #expect(documents.state.bundle?.version == 2)
        #expect(documents.state.rules?.roles.count == 1)
        #expect(documents.state.binding?.sub == "u-1")
        #expect(documents.state.bindingExpires == UTCTime(seconds: 1_900_000_000))
        #expect(documents.state.entries.map(\.alias) == ["one", "two"])
        let other = try coordinator.answer(id, counter: 4, version: 2, aliases: [])
        try documents.take(other.with(bundle: .some(nil)), now: now)
        #expect(documents.state.entries.isEmpty)
        #expect(documents.state.bundle?.version == 2)
        #expect(documents.state.counter == 4)
        // The same rules, signed again to last longer.
        let longer = try signed(5, bundle: try coordinator.bundle(2, expires: 1_950_000_000), policy: 2)
        try documents.take(longer, now: now)
        #expect(documents.state.bundle?.expires == UTCTime(seconds: 1_950_000_000))
        try documents.take(try full(6, version: 7), now: now)
        #expect(documents.state.bundle?.version == 7)
    }

    @Test("Before the first policy the machine has no bundle")
    func first() throws {
        var documents = try documents(1, version: 0)
        #expect(documents.state.bundle == nil)
        #expect(documents.state.counter == 1)
        try documents.take(try full(2, version: 1), now: now)
        // A policy never goes away again.
        #expect(throws: LinkError(.unproven, "")) { try documents.take(try full(3, version: 0), now: now) }
        #expect(documents.state.bundle?.version == 1)
    }

    @Test("What was kept is in force again after a start, and is verified again")
    func kept() throws {
        let documents = try documents(3, version: 2)
        var again = SyncDocuments(machine.membership)
        try again.takeKept(try JSONValue(parsing: documents.kept.bytes))
        #expect(again.state.bundle == documents.state.bundle)
        #expect(again.state.entries == documents.state.entries)
        #expect(again.state.counter == 3)
        #expect(again.kept == documents.kept)
        // An older answer is refused by what was kept, too.
        #expect(throws: LinkError(.stale, "")) { try again.take(try full(2, version: 1), now: now) }

        var stranger = ModelCoordinator()
        var foreign = SyncDocuments(Machine(&stranger).membership)
        #expect(throws: LinkError(.unproven, "")) {
            try foreign.takeKept(try JSONValue(parsing: documents.kept.bytes))
        }
        #expect(foreign.state.bundle == nil)
        guard case .object(let kept) = documents.kept else { return }
        for (name, value) in [("more", 1), ("binding", nil), ("bundle", kept["entries"]), ("version", 3)]
            as [(JSONText, JSONValue?)]
        {
            var changed = kept
            changed[name] = value
            var empty = SyncDocuments(machine.membership)
            #expect(throws: (any Error).self) { try empty.takeKept(.object(changed)) }
            #expect(empty.state.counter == 0)
        }
    }

    @Test("A lock is in force with its answer and after a start, and no older answer takes it off")
    func locked() throws {
        let lock = MachineLock(since: UTCTime(seconds: now), why: "It was left on a train.")
        func answer(_ counter: Int, _ lock: MachineLock?, made: Int? = nil) throws -> SyncAnswer {
            try coordinator.answer(id, counter: counter, version: 2, made: made, lock: lock)
        }
        var documents = try documents(3, version: 2)
        #expect(documents.state.lock == nil)
        try documents.take(try answer(4, lock), now: now)
        #expect(documents.state.lock == lock)
        #expect(throws: LinkError(.stale, "")) { try documents.take(try answer(3, nil), now: now) }
        // Of the same counter and signed before: it says something else, so it is not the coordinator that repeats itself.
        #expect(throws: LinkError(.stale, "")) { try documents.take(try answer(4, nil, made: 1), now: now) }
        #expect(documents.state.lock == lock)
        var again = SyncDocuments(machine.membership)
        try again.takeKept(try JSONValue(parsing: documents.kept.bytes))
        #expect(again.state.lock == lock)
        try again.take(try answer(5, nil), now: now)
        #expect(again.state.lock == nil)
    }

    @Test("What an earlier release has kept is as if nothing was: everything is asked for")
    func earlier() throws {
        var documents = SyncDocuments(machine.membership)
        try documents.takeKept([
            "version": 1, "counter": 900_000_000_000_000, "bundle": .text(try coordinator.bundle(5)),
        ])
        #expect(documents.state.counter == 0)
        #expect(documents.state.bundle == nil)
        try documents.take(try full(1, version: 1), now: now)
        #expect(documents.state.bundle?.version == 1)
    }

    @Test("An answer that is older than what is in force is stale, and the next good one is taken", arguments: 0..<5)
    func stale(kind: Int) throws {
        var documents = try documents(5, version: 5)
        let before = documents.kept
        let old: SyncAnswer =
            switch kind {
            case 0: try full(4, version: 4)
            case 1: try full(0, version: 0)
            case 2: try full(5, version: 4, made: 4)
            case 3: try coordinator.answer(id, counter: 6, version: 6, expires: now)
            default: try full(4, version: 5)
            }
        #expect(throws: LinkError(.stale, "")) { try documents.take(old, now: now) }
        #expect(documents.kept == before)
        try documents.take(try full(6, version: 6), now: now)
        #expect(documents.state.bundle?.version == 6)
    }

    @Test("The same answer again, signed by a clock that was set back, changes nothing and is no trouble")
    func clock() throws {
        var documents = try documents(5, version: 5)
        let before = documents.kept
        try documents.take(try full(5, version: 5, made: 3), now: now)
        #expect(documents.kept == before)
        try documents.take(try full(5, version: 5, made: 9), now: now)
        #expect(documents.kept != before)
    }

    @Test("What begins with a new epoch replaces everything, however low its numbers, and no earlier epoch comes back")
    func epochs() throws {
        var documents = try documents(50, version: 9)
        var model = coordinator
        try model.restart(as: 4)
        let new = try model.answer(id, counter: 2, version: 1)
        #expect(throws: LinkError(.unproven, "")) { try documents.take(new.with(bundle: .some(nil)), now: now) }
        #expect(documents.state.bundle?.version == 9)
        try documents.take(new, now: now)
        #expect(documents.state.bundle?.version == 1)
        #expect(documents.state.counter == 2)
        #expect(documents.epoch == 4)
        #expect(throws: LinkError(.stale, "")) { try documents.take(try full(60, version: 10), now: now) }
        // A restored coordinator may even have no policy.
        try model.restart(as: 5)
        try documents.take(try model.answer(id, counter: 1, version: 0), now: now)
        #expect(documents.state.bundle == nil)
        #expect(documents.state.rules == nil)
    }

    private static var attacks: [String] {
        [
            "lower version", "same version, other rules", "foreign signature",
            "binding as bundle", "bundle as binding", "entries as binding", "unknown member", "unknown rule",
            "other language version", "not canonical", "no note", "two documents", "not yet valid",
            "binding of another agent", "binding of another person", "binding of another policy",
            "entries of another agent", "alias twice",
            "text changed", "signature under another name",
            "fast-forward", "state of another agent", "state by another key", "bundle as state",
            "without its binding", "without its bundle", "without its entries", "older binding", "older entries",
            "older bundle", "newer binding", "other checkpoint", "no checkpoint",
        ]
    }

    @Test("An answer that is not whole changes nothing, not even in its good parts", arguments: attacks)
    func refused(attack: String) throws {
        var documents = try documents(5, version: 5)
        let before = documents.kept
        let (good, old) = (try full(6, version: 6), try full(4, version: 4))
        #expect(throws: LinkError(.unproven, "")) { try documents.take(try bad(attack, good, old), now: now) }
        #expect(documents.kept == before)
        #expect(documents.state.bundle?.version == 5)
        try documents.take(good, now: now)
        #expect(documents.state.bundle?.version == 6)
    }

    private func with(_ name: JSONText, _ value: JSONValue, _ json: JSONValue) -> JSONValue {
        guard case .object(var object) = json else { return json }
        object[name] = value
        return .object(object)
    }

    private func bundle(_ name: JSONText, _ value: JSONValue) throws -> JSONValue {
        try PolicyBundle(
            version: 6,
            rules: with(name, value, ModelCoordinator.rules("t")),
            notBefore: UTCTime(seconds: 0),
            expires: UTCTime(seconds: 1_900_000_000)
        ).json
    }

    private func text(_ text: [UInt8], name: String) throws -> String {
        String(decoding: try Note.sign(text, name: name, key: coordinator.key).bytes, as: UTF8.self)
    }

    private func bad(_ attack: String, _ good: SyncAnswer, _ old: SyncAnswer) throws -> SyncAnswer {
        let (names, stranger) = (coordinator.names, ModelCoordinator(key: SigningKey()))
        let json = try bundle("version", 1)
        let other = "a-aaaaaaaaaaaaaaaa"
        return switch attack {
        // What the coordinator itself would have to have signed so.
        case "lower version": try signed(6, bundle: try coordinator.bundle(4), policy: 4)
        case "same version, other rules": try signed(6, bundle: try coordinator.bundle(5, server: "other"), policy: 5)
        case "binding as bundle": try signed(6, bundle: good.binding)
        case "bundle as binding": try signed(6, binding: good.bundle)
        case "entries as binding": try signed(6, binding: good.entries)
        case "unknown member": try signed(6, bundle: try coordinator.note(with("more", 1, json), origin: names.bundle))
        case "unknown rule": try signed(6, bundle: try coordinator.note(bundle("oblige", []), origin: names.bundle))
        case "other language version":
            try signed(6, bundle: try coordinator.note(bundle("version", 2), origin: names.bundle))
        case "not canonical":
            try signed(6, bundle: try text(Array("\(names.bundle)\n \(json.json)\n".utf8), name: names.bundle))
        case "no note": try signed(6, bundle: json.json)
        case "two documents":
            try signed(
                6,
                bundle: try text(
                    try SignedDocument.text(json, origin: names.bundle) + json.canonicalBytes() + [0x0A],
                    name: names.bundle
                )
            )
        case "not yet valid": try signed(6, bundle: try coordinator.bundle(6, from: now + 120))
        case "binding of another agent": try signed(6, binding: try coordinator.binding(other, sub: "u-1", policy: 6))
        case "binding of another person": try signed(6, binding: try coordinator.binding(id, sub: "u-2", policy: 6))
        case "binding of another policy": try signed(6, binding: try coordinator.binding(id, sub: "u-1", policy: 5))
        case "entries of another agent": try signed(6, entries: try coordinator.entries(other, ["one"]))
        case "alias twice": try signed(6, entries: try coordinator.entries(id, ["one", "one"]))
        case "signature under another name":
            try signed(
                6,
                bundle: try text(try SignedDocument.text(json, origin: names.bundle), name: names.binding)
            )
        // What a proxy on the way can make of what was signed.
        case "foreign signature": good.with(bundle: try stranger.bundle(6))
        case "text changed": good.with(bundle: good.bundle?.replacing("\"version\":6", with: "\"version\":7"))
        case "fast-forward": good.with(state: good.state.replacing("\"counter\":6", with: "\"counter\":900000000"))
        case "state of another agent":
            good.with(state: try coordinator.answer(other, counter: 6, version: 6).state)
        case "state by another key":
            try stranger.answer(id, counter: 6, version: 6)
        case "bundle as state": good.with(state: good.bundle)
        case "without its binding": good.with(binding: .some(nil))
        case "without its bundle": good.with(bundle: .some(nil))
        case "without its entries":
            try coordinator.answer(id, counter: 6, version: 6, aliases: ["three"]).with(entries: .some(nil))
        case "older binding": good.with(binding: old.binding)
        case "older bundle": good.with(bundle: old.bundle)
        case "older entries":
            good.with(entries: try coordinator.answer(id, counter: 4, version: 4, aliases: ["gone"]).entries)
        case "newer binding": try full(5, version: 5, made: 9).with(binding: good.binding)
        case "other checkpoint":
            good.with(
                org: try Self.grown(coordinator).head()
            )
        default: good.with(org: "")
        }
    }

    private static func grown(_ coordinator: ModelCoordinator) throws -> ModelCoordinator {
        var coordinator = coordinator
        _ = try coordinator.append(.keyRevoke(agent: "a", key: SigningKey().publicKey.fingerprint, why: "w"))
        return coordinator
    }
}
