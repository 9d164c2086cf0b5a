internal import Contract
internal import StrictJSON
internal import TransparencyLog

/// All definitions that a server shows a machine, as hashes, with the one hash by which lists are told apart.
struct ShownList {
    let tools: [(name: String, digest: Hash)]
    let digest: Hash

    /// Nil where a name is one that no list shows.
    init?(_ shown: [JSONText: Hash]) {
        guard shown.keys.allSatisfy(ReportedDefinition.isName) else { return nil }
        let sorted = shown.sorted { $0.key < $1.key }
        tools = sorted.map { ($0.key.string, $0.value) }
        digest = Hash.of(
            JSONValue.array(sorted.map { .array([.string($0.key), .text($0.value.base64URL)]) }).bytes
        )
    }
}
