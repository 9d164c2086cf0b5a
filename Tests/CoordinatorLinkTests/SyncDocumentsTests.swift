import AuditLog
import Contract
import Policy
import ServiceKit
import StrictJSON
import Testing

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

    private func answer(
        _ counter: Int,
        bundle: String? = nil,
        binding: String? = nil,
        entries: String? = nil
    ) -> SyncAnswer {
        SyncAnswer(
            counter: counter,
            bundle: bundle,
            binding: binding,
            entries: entries,
            orgCheckpoint: "",
            consistency: nil
        )
    }

    private func full(_ counter: Int, version: Int) throws -> SyncAnswer {
        answer(
            counter,
            bundle: try coordinator.bundle(version),
            binding: try coordinator.binding(id, sub: "u-1", counter: counter),
            entries: try coordinator.entries(id, counter: counter, "one", "two")
        )
    }

    @Test("All of an answer is in force, and what is not in the next one stays")
    func taken() throws {
        var documents = SyncDocuments(machine.membership)
        try documents.take(try full(3, version: 2), now: now)
        #expect(documents.state.bundle?.version == 2)
        #expect(documents.state.rules?.roles.count == 1)
        #expect(documents.state.binding?.sub == "u-1")
        #expect(documents.state.bindingExpires == UTCTime(seconds: 1_900_000_000))
        #expect(documents.state.entries.map(\.alias) == ["one", "two"])
        try documents.take(answer(4, entries: try coordinator.entries(id, counter: 4)), now: now)
        #expect(documents.state.entries.isEmpty)
        #expect(documents.state.bundle?.version == 2)
        #expect(documents.state.counter == 4)
        // The same rules, signed again to last longer.
        try documents.take(answer(5, bundle: try coordinator.bundle(2, expires: 1_950_000_000)), now: now)
        #expect(documents.state.bundle?.expires == UTCTime(seconds: 1_950_000_000))
        try documents.take(answer(6, bundle: try coordinator.bundle(7, server: "t")), now: now)
        #expect(documents.state.bundle?.version == 7)
    }

    @Test("What was kept is in force again after a start, and is verified again")
    func kept() throws {
        var documents = SyncDocuments(machine.membership)
        try documents.take(try full(3, version: 2), now: now)
        var again = SyncDocuments(machine.membership)
        try again.takeKept(try JSONValue(parsing: documents.kept.bytes))
        #expect(again.state.bundle == documents.state.bundle)
        #expect(again.state.entries == documents.state.entries)
        #expect(again.state.counter == 3)
        #expect(again.kept == documents.kept)
        // An older answer is refused by what was kept, too.
        #expect(throws: LinkError(.untrusted, "")) { try again.take(try full(9, version: 1), now: now) }

        var stranger = ModelCoordinator()
        var foreign = SyncDocuments(Machine(&stranger).membership)
        #expect(throws: LinkError(.untrusted, "")) {
            try foreign.takeKept(try JSONValue(parsing: documents.kept.bytes))
        }
        #expect(foreign.state.bundle == nil)
        guard case .object(var changed) = documents.kept else { return }
        changed["more"] = 1
        #expect(throws: (any Error).self) { try again.takeKept(.object(changed)) }
    }

    private static var attacks: [String] {
        [
            "lower version", "same version, other rules", "same version, earlier end", "foreign signature",
            "binding as bundle", "bundle as binding", "entries as binding", "unknown member", "unknown rule",
            "other language version", "not canonical", "no note", "two documents", "not yet valid",
            "binding of another agent",
            "binding of another person", "older binding", "entries of another agent", "older entries", "alias twice",
            "older answer", "text changed", "signature under another name",
        ]
    }

    @Test("An answer that is not to be believed changes nothing, not even in its good parts", arguments: attacks)
    func refused(attack: String) throws {
        var documents = SyncDocuments(machine.membership)
        try documents.take(try full(5, version: 5), now: now)
        let before = documents.kept
        let good = try full(6, version: 6)
        let stranger = ModelCoordinator(key: SigningKey())
        let bundle = try PolicyBundle(
            version: 6,
            rules: ModelCoordinator.rules("t"),
            notBefore: UTCTime(seconds: 0),
            expires: UTCTime(seconds: 1_900_000_000)
        )
        func with(_ name: JSONText, _ value: JSONValue, _ json: JSONValue) -> JSONValue {
            guard case .object(var object) = json else { return json }
            object[name] = value
            return .object(object)
        }
        func signed(_ json: JSONValue) throws -> SyncAnswer {
            answer(6, bundle: try coordinator.note(json, origin: coordinator.names.bundle))
        }
        func rules(_ name: JSONText, _ value: JSONValue) throws -> SyncAnswer {
            try signed(
                try PolicyBundle(
                    version: 6,
                    rules: with(name, value, ModelCoordinator.rules("t")),
                    notBefore: UTCTime(seconds: 0),
                    expires: UTCTime(seconds: 1_900_000_000)
                ).json
            )
        }
        let bad: SyncAnswer =
            switch attack {
            case "lower version": answer(6, bundle: try coordinator.bundle(4), binding: good.binding)
            case "same version, other rules": answer(6, bundle: try coordinator.bundle(5, server: "other"))
            case "same version, earlier end": answer(6, bundle: try coordinator.bundle(5, expires: 1_850_000_000))
            case "foreign signature": answer(6, bundle: try stranger.bundle(6), entries: good.entries)
            case "binding as bundle": answer(6, bundle: good.binding)
            case "bundle as binding": answer(6, binding: good.bundle)
            case "entries as binding": answer(6, binding: good.entries)
            case "unknown member": try signed(with("more", 1, bundle.json))
            case "unknown rule": try rules("require", [])
            case "other language version": try rules("version", 2)
            case "not canonical":
                answer(
                    6,
                    bundle: String(
                        decoding: try Note.sign(
                            Array("\(coordinator.names.bundle)\n \(bundle.json.json)\n".utf8),
                            name: coordinator.names.bundle,
                            key: coordinator.key
                        ).bytes,
                        as: UTF8.self
                    )
                )
            case "no note": answer(6, bundle: bundle.json.json)
            case "two documents":
                answer(
                    6,
                    bundle: String(
                        decoding: try Note.sign(
                            try SignedDocument.text(bundle.json, origin: coordinator.names.bundle)
                                + bundle.json.canonicalBytes() + [0x0A],
                            name: coordinator.names.bundle,
                            key: coordinator.key
                        ).bytes,
                        as: UTF8.self
                    )
                )
            case "not yet valid": answer(6, bundle: try coordinator.bundle(6, from: now + 120))
            case "binding of another agent":
                answer(6, binding: try coordinator.binding("a-aaaaaaaaaaaaaaaa", sub: "u-1", counter: 6))
            case "binding of another person": answer(6, binding: try coordinator.binding(id, sub: "u-2", counter: 6))
            case "older binding": answer(6, binding: try coordinator.binding(id, sub: "u-1", counter: 4))
            case "entries of another agent":
                answer(6, bundle: good.bundle, entries: try coordinator.entries("a-aaaaaaaaaaaaaaaa", counter: 6))
            case "older entries": answer(6, bundle: good.bundle, entries: try coordinator.entries(id, counter: 4))
            case "alias twice": answer(6, entries: try coordinator.entries(id, counter: 6, "one", "one"))
            case "older answer": answer(4, bundle: good.bundle)
            case "text changed":
                answer(6, bundle: good.bundle?.replacing("\"version\":6", with: "\"version\":7"))
            default:
                answer(
                    6,
                    bundle: String(
                        decoding: try Note.sign(
                            try SignedDocument.text(bundle.json, origin: coordinator.names.bundle),
                            name: coordinator.names.binding,
                            key: coordinator.key
                        ).bytes,
                        as: UTF8.self
                    )
                )
            }
        #expect(throws: LinkError(.untrusted, "")) { try documents.take(bad, now: now) }
        #expect(documents.kept == before)
        #expect(documents.state.bundle?.version == 5)
        try documents.take(good, now: now)
        #expect(documents.state.bundle?.version == 6)
    }
}
