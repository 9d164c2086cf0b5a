public import FuzzerDriver
import MCP
import StrictJSON

@_cdecl("StateFuzzer_main")
public func fuzzerMain(_ count: CInt, _ arguments: FuzzerArguments?) -> CInt {
    fuzz(count, arguments) { fuzzStates($0, $1) }
}

/// Takes any bytes for what clients show again: the state of a request, the id of an event, the id of a session with what
/// was sealed under it, and names, URIs and ids of the endpoint of all servers.
///
/// Nothing opens that was not sealed here, for this client and this request; what was made is read as what it was made of, and
/// no server has the name of another.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStates(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard let first = bytes.first, String(validating: bytes, as: UTF8.self) != nil else { return 0 }
    let text = JSONText(utf8: bytes)
    fuzzRequestState(text, at: Int(first))
    fuzzSession(text, at: Int(first))
    if let mark = EventMark(bytes, of: 7) {
        precondition(Array(mark.text(7).utf8) == bytes, "an event with two ids")
        precondition(EventMark(bytes, of: 8) == nil, "an event of two sessions")
    }
    fuzzExposed(text)
    fuzzNames(bytes.split(separator: UInt8(ascii: "\n")).map { JSONText(utf8: $0) })
    return 0
}

private let seal = StateSeal()

private func fuzzRequestState(_ text: JSONText, at place: Int) {
    func binding(_ client: JSONText) -> StateSeal.Binding {
        let params = RawObject(text.utf8) ?? RawObject()
        return StateSeal.Binding(server: "up", client: client, thread: "", method: .toolsCall, params: params)
    }
    precondition(seal.open(text, for: binding("c"), now: 0) == nil, "a state that was not sealed here")
    let state = StateSeal.State(suspension: UInt64(place), expires: 1)
    guard let sealed = seal.seal(state, for: binding("c")) else { preconditionFailure("no seal") }
    precondition(seal.open(sealed, for: binding("c"), now: 0) == state, "a seal that does not open")
    precondition(seal.open(sealed, for: binding("d"), now: 0) == nil, "another client's state")
    var changed = sealed.utf8
    changed[place % changed.count] ^= 1
    precondition(seal.open(JSONText(utf8: changed), for: binding("c"), now: 0) == nil, "a changed state")
}

private func fuzzSession(_ text: JSONText, at place: Int) {
    precondition(SealedSession.open(text.utf8, id: "0f", mark: [1]) == nil, "a session that was not sealed here")
    var seed = SessionSeed(params: Array("{}".utf8))
    seed.level = text.utf8
    let content = SealedSession.Content(upstream: text, seed: seed)
    guard let sealed = SealedSession.seal(content, id: text, mark: [1]) else { return }
    precondition(
        SealedSession.open(sealed, id: text, mark: [1]) == content,
        "a session that is another when it is opened"
    )
    precondition(SealedSession.open(sealed, id: text, mark: [2]) == nil, "a session at another server")
    var changed = sealed
    changed[place % changed.count] ^= 1
    precondition(SealedSession.open(changed, id: text, mark: [1]) == nil, "a changed session")
}

private func fuzzExposed(_ text: JSONText) {
    let uri = ExposedURI.parts(of: ExposedURI.expose(text, of: "fs"))
    precondition(uri?.alias == "fs" && uri?.uri == text, "a URI of another server")
    if let parts = ExposedURI.parts(of: text) {
        precondition(ExposedURI.expose(parts.uri, of: parts.alias) == text, "a URI with two spellings")
    }
    let id = ExposedID.parts(of: ExposedID.expose(text.utf8, of: "fs"))
    precondition(id?.alias == "fs" && id?.id == text.utf8, "an id of another server")
}

private func fuzzNames(_ names: [JSONText]) {
    let mine = ExposedName.names(for: names, of: "a")
    let shown = mine.compactMap { $0?.string }
    precondition(Set(shown).count == shown.count, "two tools of one name")
    for name in shown {
        precondition(name.utf8.count <= ExposedName.longest, "a name that is too long")
        precondition(
            name.utf8.allSatisfy { $0 == 0x2D || $0 == 0x5F || isLetterOrDigit($0) },
            "a name that clients drop"
        )
    }
    let theirs = Set(ExposedName.names(for: names, of: "a-b").compactMap { $0?.string })
    precondition(theirs.isDisjoint(with: shown), "a name of two servers")
    func table(_ names: [JSONText]) -> [JSONText: JSONText?] {
        Dictionary(zip(names, ExposedName.names(for: names, of: "a")), uniquingKeysWith: { first, _ in first })
    }
    precondition(table(names) == table(names.reversed()), "a name that depends on the order")
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
}
