internal import MCP
internal import StrictJSON
internal import TransparencyLog

/// The definitions of one server's tools: what clients may be shown of them, and which may be called.
///
/// A definition is an instruction to a model, and a server can change it after people have come to trust it. So it is
/// compared, whenever a list passes, with what was approved: by the organisation, or, before the organisation has
/// approved anything of this server, with what the server showed first. One that differs is held back: lists do not show
/// it, and calls of its tool are refused, until an administrator has approved it.
///
/// Nothing is read for it on the way of a call, which costs a look into a table that is nearly always empty. Belongs to
/// the event loop.
final class ToolPins {
    let server: JSONText
    private(set) var pinning = ToolPinning()
    /// The definitions of the first list, where the organisation has approved none yet.
    private var first: [JSONText: Hash] = [:]
    private var isFirstComplete = false
    /// What the server said last of each tool.
    private var listed: [JSONText: Hash] = [:]
    /// The tools whose last definition is not approved.
    private(set) var held: [JSONText: Hash] = [:]
    /// The definitions in the bytes of entries: a list that comes again is not read again.
    private var known: [Hash: KeptHints] = [:]
    /// What the definitions say that were approved when a list last showed them.
    private var said: [JSONText: KeptHints] = [:]

    // What the coordinator knows and what not.
    private var unreported: [JSONText: Unreported] = [:]
    private var unreportedBytes = 0
    private var told: [JSONText: Hash] = [:]
    /// What the coordinator knows of `listed`; nil where it is to hear of it once more.
    private var toldShown: [JSONText: Hash]?
    /// Whether a list was seen to its end since then.
    private var isShownDue = false

    private struct Unreported {
        let digest: Hash
        let text: [UInt8]
    }

    /// Told when there is something to keep or to report.
    private let noteChange: () -> Void
    /// Told when clients are shown other tools than before.
    private let noteShown: (JSONText) -> Void

    /// The most tools of a server; those beyond it are held back, as nobody could review them.
    private static let mostTools = 10_000
    /// What is kept of the text of definitions until the coordinator has it.
    private static let mostUnreported = 6 << 20

    init(
        server: JSONText,
        kept: KeptPins? = nil,
        changed: @escaping () -> Void,
        shown: @escaping (JSONText) -> Void
    ) {
        self.server = server
        noteChange = changed
        noteShown = shown
        guard let kept else { return }
        pinning.entry = kept.entry
        first = kept.first
        isFirstComplete = kept.isComplete
        held = kept.held
        listed = kept.held
        said = kept.hints
    }

    // MARK: What is asked for each call

    /// Whether a tool may be called: not where its last definition is held back.
    ///
    /// A tool that no list has named passes unless everything has to be approved: no model was told of it by this server,
    /// the policy has granted its name, and a server that has no such tool says so itself. It is the definition that
    /// deceives, and there was none.
    func mayCall(_ tool: UnsafeBufferPointer<UInt8>) -> Bool {
        if held.isEmpty, pinning.mode == .firstUse { return true }
        let name = JSONText(utf8: tool)
        guard held[name] == nil else { return false }
        return pinning.mode == .firstUse || pinning.approved?[name] != nil
    }

    /// Whether a list shows a tool whose definition was judged before.
    func shows(_ tool: JSONText) -> Bool {
        held[tool] == nil && (pinning.mode == .firstUse || pinning.approved?[tool] != nil)
    }

    /// Whether the tool that is held back was approved once, and has changed since.
    func hasChanged(_ tool: JSONText) -> Bool { pinning.approved?[tool] != nil || first[tool] != nil }

    /// What a policy may believe of a tool: what its definition says, if that is approved now and the server trusted with
    /// it; else what is assumed of every tool.
    func hints(of tool: UnsafeBufferPointer<UInt8>) -> ToolHints {
        let name = JSONText(utf8: tool)
        guard pinning.trustsAnnotations, let said = said[name], isPinned(name, said.digest) else { return .assumed }
        return said.hints
    }

    private func isPinned(_ name: JSONText, _ digest: Hash) -> Bool {
        if let approved = pinning.approved { return approved[name]?.contains(digest) == true }
        return pinning.mode == .firstUse && first[name] == digest
    }

    // MARK: What lists say

    /// Judges one entry of a list.
    func admits(_ tool: UnsafeBufferPointer<UInt8>, _ entry: UnsafeBufferPointer<UInt8>) -> Bool {
        let name = JSONText(utf8: tool)
        let (known, definition) = read(entry)
        let digest = known.digest
        let before = listed[name]
        guard before != nil || listed.count < Self.mostTools else { return false }
        let wasHeld = held[name] != nil
        let isApproved = isApproved(name, digest)
        listed[name] = digest
        var isChanged = isFirstUse && before == nil
        if isApproved == wasHeld || !isApproved && held[name] != digest {
            held[name] = isApproved ? nil : digest
            isChanged = true
        }
        if isApproved, said[name] != known {
            said[name] = known
            if pinning.trustsAnnotations { isChanged = true }
        }
        // What came back to what was approved is told too: nothing waits for an administrator any more.
        if told[name] != digest, isFirstUse || !isApproved || wasHeld || told[name] != nil {
            isChanged = keep(definition ?? ToolDefinition(entry), digest, of: name) || isChanged
        }
        if isChanged { noteChange() }
        if before != nil, isApproved == wasHeld { noteShown(server) }
        return isApproved
    }

    /// A page of a list was judged.
    func listEnded(hasMore: Bool) {
        if !hasMore, !isShownDue, toldShown != listed, !listed.isEmpty {
            isShownDue = true
            noteChange()
        }
        // A server that shows nothing has not been used yet.
        guard !hasMore, isFirstUse, !isFirstComplete, !first.isEmpty else { return }
        isFirstComplete = true
        noteChange()
    }

    private func read(_ entry: UnsafeBufferPointer<UInt8>) -> (KeptHints, ToolDefinition?) {
        let raw = Hash.of(UnsafeRawBufferPointer(entry))
        if let read = known[raw] { return (read, nil) }
        let definition = ToolDefinition(entry)
        let read = KeptHints(digest: Hash.of(definition.text), hints: definition.hints)
        if known.count >= Self.mostTools { known.removeAll() }
        known[raw] = read
        return (read, definition)
    }

    /// Whether what the server shows first counts: nothing of it was approved yet, and nothing has to be.
    private var isFirstUse: Bool { pinning.approved == nil && pinning.mode == .firstUse }

    private func isApproved(_ name: JSONText, _ digest: Hash) -> Bool {
        if let approved = pinning.approved { return approved[name]?.contains(digest) == true }
        guard pinning.mode == .firstUse else { return false }
        if let pinned = first[name] { return pinned == digest }
        guard !isFirstComplete else { return false }
        first[name] = digest
        return true
    }

    // MARK: What the organisation says

    /// Takes what is in force for this server now.
    func take(_ new: ToolPinning) {
        guard new != pinning else { return }
        if let entry = pinning.entry, entry != new.entry { clear() }
        pinning = new
        var isShown = false
        for (name, digest) in listed {
            let isApproved = isApproved(name, digest)
            if isApproved == (held[name] == nil) { continue }
            isShown = true
            held[name] = isApproved ? nil : digest
        }
        if let approved = new.approved {
            // The organisation's word is there, and outlives the agent by itself.
            (first, isFirstComplete) = ([:], false)
            for (name, waiting) in unreported where approved[name]?.contains(waiting.digest) == true { drop(name) }
        }
        noteChange()
        if isShown { noteShown(server) }
    }

    /// The coordinator is to hear once more what the server shows, with the next list: by that it knows until when.
    func tellShownAgain() { toldShown = nil }

    /// Forgets everything that was seen.
    func clear() {
        (toldShown, isShownDue) = (nil, false)
        (first, isFirstComplete, listed, held, told) = ([:], false, [:], [:], [:])
        said = [:]
        (unreported, unreportedBytes) = ([:], 0)
    }

    // MARK: What others have to know

    /// Keeps a definition for the next report; false where it is kept already, or too much is.
    private func keep(_ definition: ToolDefinition, _ digest: Hash, of name: JSONText) -> Bool {
        if unreported[name]?.digest == digest { return false }
        drop(name)
        guard unreportedBytes + definition.text.count <= Self.mostUnreported else { return false }
        unreported[name] = Unreported(digest: digest, text: definition.text)
        unreportedBytes += definition.text.count
        return true
    }

    private func drop(_ name: JSONText) {
        guard let dropped = unreported.removeValue(forKey: name) else { return }
        unreportedBytes -= dropped.text.count
    }

    /// What the coordinator does not know yet; nil while it knows all.
    ///
    /// A first list is told as a whole, once it was seen to its end: all of it is approved together.
    var report: ToolReport? {
        guard !unreported.isEmpty || isShownDue, let entry = pinning.entry else { return nil }
        if isFirstUse {
            guard isFirstComplete, first.allSatisfy({ unreported[$0.key] != nil || told[$0.key] != nil }) else {
                return nil
            }
        }
        return ToolReport(
            server: server,
            entry: entry,
            isFirst: isFirstUse,
            tools: unreported.map { ToolReport.Tool(name: $0.key, digest: $0.value.digest, definition: $0.value.text) }
                .sorted { $0.name < $1.name },
            shown: isShownDue ? listed : nil
        )
    }

    /// The coordinator has a report.
    func reported(_ report: ToolReport) {
        guard report.entry == pinning.entry else { return }
        if let shown = report.shown {
            toldShown = shown
            isShownDue = shown != listed
        }
        for tool in report.tools {
            told[tool.name] = tool.digest
            if unreported[tool.name]?.digest == tool.digest { drop(tool.name) }
        }
    }

    /// What has to outlive the agent; nil where there is nothing.
    var kept: KeptPins? {
        let hints = pinning.trustsAnnotations ? said : [:]
        guard let entry = pinning.entry, !first.isEmpty || !held.isEmpty || !hints.isEmpty else { return nil }
        return KeptPins(
            server: server,
            entry: entry,
            isComplete: isFirstComplete,
            first: first,
            held: held,
            hints: hints
        )
    }
}
