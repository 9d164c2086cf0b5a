internal import AgentState
internal import AuditLog
internal import Bytes
internal import Contract
internal import Errors
internal import Policy
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The signed documents that an agent obeys, and the rules by which one answer replaces another; pure.
///
/// An answer is taken as a whole or not at all: it holds a signed state, and only what has exactly the digests in it may
/// be in force with it. States are in an order (epoch of the organisation's log, counter, time); one that comes before
/// what is in force is stale.
struct SyncDocuments: Sendable {
    private let names: LogNames
    private let key: VerifyingKey
    private let agentID: String
    private let sub: JSONText

    private(set) var state = SyncedState()
    // The notes, as they are kept for the next start, and the digests of their texts.
    private var current: (note: String, document: StateDocument)?
    private var bundle: Part?
    private var binding: Part?
    private var entries: Part?
    private var pins: Part?
    private var bindingPolicy = 0

    private struct Part: Sendable {
        let note: String
        let digest: Hash
    }

    init(_ membership: Membership) {
        names = membership.names
        key = membership.coordinatorKey
        agentID = membership.agentID
        sub = JSONText(membership.sub)
    }

    /// How far a bundle's beginning may lie in the future, for clocks that differ.
    private static let skew = 60

    /// The epoch that what is in force belongs to.
    var epoch: Int { current?.document.epoch ?? 0 }

    /// Takes an answer.
    ///
    /// - Parameters:
    ///   - answer: What the coordinator said.
    ///   - now: Seconds since 1970 by the coordinator's clock.
    /// - Throws: `LinkError`, with a message for people: `.stale` for one that is older than what is in force,
    ///   `.unproven` for one that is not whole. Then nothing has changed.
    mutating func take(_ answer: SyncAnswer, now: Int) throws(LinkError) {
        let (document, _) = try readState(answer.state)
        guard let org = try? Note(parsing: Array(answer.orgCheckpoint.utf8)), Hash.of(org.text) == document.org else {
            throw refused("the state of the organisation's log", "is not the one that belongs to the answer")
        }
        guard document.expires.seconds > now else { throw stale("the answer", "has been on the way too long") }
        if let current = current?.document {
            guard (document.epoch, document.counter) >= (current.epoch, current.counter) else {
                throw stale("the answer", "is older than the last one")
            }
            if document.epoch == current.epoch, document.counter == current.counter, document.made < current.made {
                // The coordinator's clock was set back, or a proxy repeats an old answer: there is nothing new.
                guard document.bundle == current.bundle, document.entries == current.entries,
                    document.pins == current.pins, document.lock == current.lock
                else {
                    throw stale("the answer", "was signed before the last one")
                }
                return
            }
        }
        try put(answer, document, now: now)
    }

    /// Puts everything into force that a state names, or nothing.
    private mutating func put(_ answer: SyncAnswer, _ document: StateDocument, now: Int) throws(LinkError) {
        var next = self
        if document.epoch != epoch {
            // A restarted log may know less than before, and its present contents count.
            next.state = SyncedState()
            (next.bundle, next.binding, next.entries, next.pins, next.bindingPolicy) = (nil, nil, nil, nil, 0)
        }
        if let note = answer.bundle { try next.takeBundle(note, now: now) }
        if let note = answer.binding { try next.takeBinding(note) }
        if let note = answer.entries { try next.takeEntries(note) }
        if let note = answer.pins { try next.takePins(note) }
        for (name, part, digest) in [
            ("the policy", next.bundle, document.bundle), ("the binding", next.binding, document.binding),
            ("the list of servers", next.entries, document.entries),
            ("the approval of tools", next.pins, document.pins),
        ] where part?.digest != digest {
            throw refused(name, "is not the one that belongs to the answer")
        }
        guard next.bindingPolicy == next.state.bundle?.version ?? 0 else {
            throw refused("the binding", "was made for another version of the policy")
        }
        next.state.counter = document.counter
        next.state.lock = document.lock
        next.current = (answer.state, document)
        self = next
    }

    private func readState(_ note: String) throws(LinkError) -> (StateDocument, Hash) {
        let (json, digest) = try document(note, origin: names.state, limits: .bundle, name: "the answer")
        let document = try read("the answer") { try StateDocument(json) }
        guard document.agentID.utf8.elementsEqual(agentID.utf8) else {
            throw refused("the answer", "is for somebody else")
        }
        return (document, digest)
    }

    private mutating func takeBundle(_ note: String, now: Int) throws(LinkError) {
        let (json, digest) = try document(note, origin: names.bundle, limits: .bundle, name: "the policy")
        let (bundle, rules) = try read("the policy") {
            let bundle = try PolicyBundle(json)
            return (bundle, try PolicyRules(bundle.rules))
        }
        if let current = state.bundle {
            guard bundle.version >= current.version else {
                throw refused("the policy", "has version \(bundle.version), and \(current.version) is in force")
            }
            if bundle.version == current.version {
                // The same rules, signed again to last longer.
                guard bundle.digest.utf8.elementsEqual(current.digest.utf8) else {
                    throw refused("the policy", "has the version \(bundle.version) that is in force, and is another")
                }
            }
        }
        guard bundle.notBefore.seconds <= now + Self.skew else { throw refused("the policy", "is not valid yet") }
        state.bundle = bundle
        state.rules = rules
        self.bundle = Part(note: note, digest: digest)
    }

    private mutating func takeBinding(_ note: String) throws(LinkError) {
        let (json, digest) = try self.document(note, origin: names.binding, limits: .bundle, name: "the binding")
        let (document, binding) = try read("the binding") {
            let document = try BindingDocument(json)
            return (document, try Binding(document.binding))
        }
        guard document.agentID.utf8.elementsEqual(agentID.utf8), binding.sub == sub else {
            throw refused("the binding", "is about somebody else")
        }
        state.binding = binding
        state.bindingExpires = document.expires
        bindingPolicy = document.policyVersion
        self.binding = Part(note: note, digest: digest)
    }

    private mutating func takeEntries(_ note: String) throws(LinkError) {
        let name = "the list of servers"
        let (json, digest) = try self.document(note, origin: names.entries, limits: Self.entriesLimits, name: name)
        let document = try read("the list of servers") { try EntriesDocument(json) }
        guard document.agentID.utf8.elementsEqual(agentID.utf8) else {
            throw refused("the list of servers", "is for somebody else")
        }
        guard Set(document.entries.map { JSONText($0.alias) }).count == document.entries.count else {
            throw refused("the list of servers", "has an alias twice")
        }
        state.entries = document.entries
        state.deprecated = document.deprecated
        entries = Part(note: note, digest: digest)
    }

    private mutating func takePins(_ note: String) throws(LinkError) {
        let name = "the approval of tools"
        let (json, digest) = try self.document(note, origin: names.pins, limits: Self.entriesLimits, name: name)
        let document = try read(name) { try PinsDocument(json) }
        guard document.agentID.utf8.elementsEqual(agentID.utf8) else { throw refused(name, "is for somebody else") }
        state.pins = document.servers
        pins = Part(note: note, digest: digest)
    }

    /// As large as a note may be.
    private static let entriesLimits = JSONLimits(maxBytes: Note.maxBytes, maxDepth: JSONLimits.bundle.maxDepth)

    /// The document in a note that the coordinator must have signed in this role, and the digest of the note's text.
    private func document(
        _ note: String,
        origin: String,
        limits: JSONLimits,
        name: String
    ) throws(LinkError) -> (JSONValue, Hash) {
        guard let note = try? Note(parsing: Array(note.utf8)), note.isSigned(name: origin, key: key) else {
            throw refused(name, "is not signed by the coordinator")
        }
        guard let json = SignedDocument.json(text: note.text, origin: origin, limits: limits) else {
            throw refused(name, "is not what was signed for this purpose")
        }
        return (json, .of(note.text))
    }

    private func read<Value>(_ name: String, _ body: () throws -> Value) throws(LinkError) -> Value {
        do {
            return try body()
        } catch {
            throw refused(name, "holds what this release does not know: \(error)")
        }
    }

    private func refused(_ what: String, _ why: String) -> LinkError {
        LinkError(.unproven, "\(what) \(why); what was in force stays", next: "doorward status")
    }

    private func stale(_ what: String, _ why: String) -> LinkError {
        LinkError(.stale, "\(what) \(why); what was in force stays", next: "doorward status")
    }
}

// MARK: - Between two runs

extension SyncDocuments {
    /// The form in which the documents are kept: signatures and all.
    var kept: JSONValue {
        var object: JSONObject = ["version": 2]
        object["state"] = current.map { .text($0.note) }
        object["bundle"] = bundle.map { .text($0.note) }
        object["binding"] = binding.map { .text($0.note) }
        object["entries"] = entries.map { .text($0.note) }
        object["pins"] = pins.map { .text($0.note) }
        return .object(object)
    }

    /// Takes the kept documents, which are verified like any answer.
    ///
    /// Documents of earlier releases do not say which parts belong together: everything is asked for anew.
    mutating func takeKept(_ json: JSONValue) throws {
        guard json["version"]?.int != 1 else { return }
        let answer = try ObjectReader.read(json) { reader in
            _ = try reader.int("version", in: 2...2)
            return SyncAnswer(
                state: try reader.text("state"),
                bundle: try reader.optionalText("bundle"),
                binding: try reader.optionalText("binding"),
                entries: try reader.optionalText("entries"),
                pins: try reader.optionalText("pins"),
                orgCheckpoint: "",
                consistency: nil
            )
        }
        // It was valid when it was taken; only the ends of its parts count now.
        try put(answer, try readState(answer.state).0, now: .max - Self.skew)
    }
}
