internal import AuditLog
internal import Contract
internal import Policy
internal import ServiceKit
internal import StrictJSON

/// The three signed documents that an agent obeys, and the rules by which one replaces another; pure.
///
/// An answer is taken as a whole or not at all: with a part of it left out, its counter would say that nothing is
/// missing.
struct SyncDocuments: Sendable {
    private let names: LogNames
    private let key: VerifyingKey
    private let agentID: String
    private let sub: JSONText

    private(set) var state = SyncedState()
    // The notes, as they are kept for the next start.
    private var bundleNote: String?
    private var bindingNote: String?
    private var entriesNote: String?
    private var bindingCounter = 0
    private var entriesCounter = 0

    init(_ membership: Membership) {
        names = membership.names
        key = membership.coordinatorKey
        agentID = membership.agentID
        sub = JSONText(membership.sub)
    }

    /// How far a bundle's beginning may lie in the future, for clocks that differ.
    private static let skew = 60

    /// Takes an answer.
    ///
    /// - Parameters:
    ///   - answer: What the coordinator said, or what was kept of it.
    ///   - now: Seconds since 1970 by the coordinator's clock.
    /// - Throws: `LinkError.untrusted`, in words for people; then nothing has changed.
    mutating func take(_ answer: SyncAnswer, now: Int) throws(LinkError) {
        guard answer.counter >= state.counter else { throw refused("the answer", "is older than the last one") }
        var next = self
        if let note = answer.bundle { try next.takeBundle(note, now: now) }
        if let note = answer.binding { try next.takeBinding(note) }
        if let note = answer.entries { try next.takeEntries(note) }
        next.state.counter = answer.counter
        self = next
    }

    private mutating func takeBundle(_ note: String, now: Int) throws(LinkError) {
        let json = try document(note, origin: names.bundle, limits: .bundle, name: "the policy")
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
                guard bundle.digest.utf8.elementsEqual(current.digest.utf8), bundle.expires >= current.expires else {
                    throw refused("the policy", "has the version \(bundle.version) that is in force, and is another")
                }
            }
        }
        guard bundle.notBefore.seconds <= now + Self.skew else { throw refused("the policy", "is not valid yet") }
        state.bundle = bundle
        state.rules = rules
        bundleNote = note
    }

    private mutating func takeBinding(_ note: String) throws(LinkError) {
        let json = try document(note, origin: names.binding, limits: .bundle, name: "the binding")
        let (document, binding) = try read("the binding") {
            let document = try BindingDocument(json)
            return (document, try Binding(document.binding))
        }
        guard document.agentID.utf8.elementsEqual(agentID.utf8), binding.sub == sub else {
            throw refused("the binding", "is about somebody else")
        }
        guard document.counter >= bindingCounter else { throw refused("the binding", "is older than the one in force") }
        state.binding = binding
        state.bindingExpires = document.expires
        bindingCounter = document.counter
        bindingNote = note
    }

    private mutating func takeEntries(_ note: String) throws(LinkError) {
        let json = try document(note, origin: names.entries, limits: Self.entriesLimits, name: "the list of servers")
        let document = try read("the list of servers") { try EntriesDocument(json) }
        guard document.agentID.utf8.elementsEqual(agentID.utf8) else {
            throw refused("the list of servers", "is for somebody else")
        }
        guard document.counter >= entriesCounter else {
            throw refused("the list of servers", "is older than the one in force")
        }
        guard Set(document.entries.map { JSONText($0.alias) }).count == document.entries.count else {
            throw refused("the list of servers", "has an alias twice")
        }
        state.entries = document.entries
        entriesCounter = document.counter
        entriesNote = note
    }

    /// As large as a note may be.
    private static let entriesLimits = JSONLimits(maxBytes: Note.maxBytes, maxDepth: JSONLimits.bundle.maxDepth)

    /// The document in a note that the coordinator must have signed in this role.
    private func document(
        _ note: String,
        origin: String,
        limits: JSONLimits,
        name: String
    ) throws(LinkError) -> JSONValue {
        guard let note = try? Note(parsing: Array(note.utf8)), note.isSigned(name: origin, key: key) else {
            throw refused(name, "is not signed by the coordinator")
        }
        guard let json = SignedDocument.json(text: note.text, origin: origin, limits: limits) else {
            throw refused(name, "is not what was signed for this purpose")
        }
        return json
    }

    private func read<Value>(_ name: String, _ body: () throws -> Value) throws(LinkError) -> Value {
        do {
            return try body()
        } catch {
            throw refused(name, "holds what this release does not know: \(error)")
        }
    }

    private func refused(_ what: String, _ why: String) -> LinkError {
        LinkError(.untrusted, "\(what) \(why); what was in force stays", next: "doorward status")
    }
}

// MARK: - Between two runs

extension SyncDocuments {
    /// The form in which the documents are kept: signatures and all.
    var kept: JSONValue {
        var object: JSONObject = ["version": 1, "counter": .int(state.counter)]
        object["bundle"] = bundleNote.map { .text($0) }
        object["binding"] = bindingNote.map { .text($0) }
        object["entries"] = entriesNote.map { .text($0) }
        return .object(object)
    }

    /// Takes what was kept; it is verified like any answer.
    mutating func takeKept(_ json: JSONValue) throws {
        let answer = try ObjectReader.read(json) { reader in
            _ = try reader.int("version", in: 1...1)
            return SyncAnswer(
                counter: try reader.int("counter"),
                bundle: try reader.optionalText("bundle"),
                binding: try reader.optionalText("binding"),
                entries: try reader.optionalText("entries"),
                orgCheckpoint: "",
                consistency: nil
            )
        }
        // It was valid when it was taken; only its end counts now.
        try take(answer, now: .max - Self.skew)
    }
}
