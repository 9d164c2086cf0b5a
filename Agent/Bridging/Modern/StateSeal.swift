internal import Bytes
internal import Crypto
package import MCP
package import StrictJSON

/// Seals what a client has to show again with the answers to a question (`requestState`): nobody else can make one, use one
/// of another client, or use one for another request.
package struct StateSeal: Sendable {
    /// What is sealed.
    package struct State: Equatable, Sendable {
        /// Which call waits.
        package let suspension: UInt64
        /// Until when, in nanoseconds of the machine's own clock.
        package let expires: Int64

        package init(suspension: UInt64, expires: Int64) {
            self.suspension = suspension
            self.expires = expires
        }
    }

    /// Whom and what a state belongs to.
    package struct Binding: Equatable, Sendable {
        let bytes: [UInt8]

        /// - Parameters:
        ///   - server: the server's alias.
        ///   - client: the client that asks.
        ///   - thread: its conversation; empty where its address names none.
        ///   - method: what it asks.
        ///   - params: the parameters of its request, without what a retry adds to them.
        package init(server: JSONText, client: JSONText, thread: JSONText, method: MCPMethod, params: RawObject) {
            var params = params
            params["inputResponses"] = nil
            params["requestState"] = nil
            params["_meta"] = nil
            // Members come in any order, and mean the same in each.
            let sorted = params.names.sorted().map { ($0, params[$0] ?? []) }
            var hash = SHA256()
            func add(_ bytes: [UInt8]) {
                withUnsafeBytes(of: UInt64(bytes.count)) { hash.update(bufferPointer: $0) }
                bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
            }
            add(server.utf8)
            add(client.utf8)
            add(thread.utf8)
            add([method.rawValue])
            for (name, value) in sorted {
                add(name.utf8)
                add(value)
            }
            bytes = Array(hash.finalize())
        }
    }

    private let key: SymmetricKey

    /// A key of this process alone: what waits does not outlive it either.
    package init() {
        key = SymmetricKey(size: .bits256)
    }

    /// The text for `requestState`.
    package func seal(_ state: State, for binding: Binding) -> JSONText? {
        var plain: [UInt8] = []
        withUnsafeBytes(of: state.suspension.bigEndian) { plain += $0 }
        withUnsafeBytes(of: state.expires.bigEndian) { plain += $0 }
        guard let box = try? ChaChaPoly.seal(plain, using: key, authenticating: binding.bytes) else { return nil }
        return JSONText(Base64.url(Array(box.combined)))
    }

    /// What was sealed; nil for what was not sealed here, or for another client or request, or is over.
    package func open(_ text: JSONText, for binding: Binding, now: Int64) -> State? {
        guard text.utf8.count < 256, let combined = Base64.decodeURL(text.utf8),
            let box = try? ChaChaPoly.SealedBox(combined: combined),
            let plain = try? ChaChaPoly.open(box, using: key, authenticating: binding.bytes), plain.count == 16
        else { return nil }
        func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        let expires = Int64(bitPattern: number(plain.suffix(8)))
        guard now < expires else { return nil }
        return State(suspension: number(plain.prefix(8)), expires: expires)
    }
}
