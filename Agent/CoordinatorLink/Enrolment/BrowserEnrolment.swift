internal import Addresses
package import AgentState
internal import Bytes
package import Contract
internal import Errors
internal import Glibc
internal import Keyring
internal import OAuth
internal import ServiceKit
internal import TransparencyLog

/// An enrolment that waits for its person to say yes in a browser (RFC 8252).
///
/// The page that the browser opens gets this machine's public key and the hash of a proof; what it brings back opens nothing
/// without the proof and a signature by the key. It comes to a port of this machine that was bound before anybody heard of it,
/// and from a program of this user alone.
package struct BrowserEnrolment: Sendable {
    /// What to open in a browser.
    package let url: String
    /// What the page there shows too.
    package let words: KeyWords
    package let hostname: String
    package let custody: String
    let redirect: LoopbackRedirect
    let verifier: String
    let join: @Sendable (_ code: String, _ verifier: String) async throws -> Membership

    /// How long a person may take.
    private static let patience = Duration.seconds(600)

    /// Waits for the person, and enrols.
    ///
    /// - Returns: The membership, which is kept.
    /// - Throws: `LinkError`: `.refused` where the person says no, `.timeout` where nothing is said; else what enrolling throws.
    package func finish() async throws -> Membership {
        let redirect = redirect
        defer { redirect.close() }
        let answer = await Deadline.leaving(after: Self.patience) { await redirect.wait() } ?? nil
        guard let answer else {
            try Task.checkCancellation()
            throw LinkError(
                .timeout,
                "nobody has answered in the browser for ten minutes",
                next: "doorward login URL"
            )
        }
        guard let code = answer["code"] else {
            throw LinkError(.refused, "you said no in the browser", next: "doorward login URL")
        }
        return try await join(code, verifier)
    }
}

extension Enrolment {
    /// Begins an enrolment by browser.
    ///
    /// The coordinator is trusted by its TLS certificate here, as no token names its key; the words show a person whether page
    /// and terminal speak of the same keys.
    ///
    /// - Parameters:
    ///   - url: Of the coordinator.
    ///   - caFile: Certificates to trust in place of the system's.
    ///   - hostname: Under which people know the machine.
    /// - Returns: The enrolment, which waits.
    /// - Throws: `LinkError`: `.noBrowserSignIn` where people cannot sign in there; `FetchError`.
    package func begin(url: String, caFile: String? = nil, hostname: String) async throws -> BrowserEnrolment {
        try checkFree()
        let address = try CoordinatorAddress(url, authority: nil, caFile: caFile)
        let identity = try await CoordinatorIdentity.ask(address, fetcher: fetcher)
        guard identity.hasBrowserSignIn else {
            throw LinkError(
                .noBrowserSignIn,
                "\(address.url) has no sign-in by browser, so a one-time token is needed",
                next:
                    "doorward login \(url) --token-file FILE (an administrator makes one: doorward admin invite EMAIL)"
            )
        }
        try home.makeFolders()
        // The same question to the same coordinator again is about the same key.
        let about = Hash.of(Array("browser \(address.url) \(identity.key.base64URL)".utf8))
        let (key, pending) = try await makeKey(for: about)
        let redirect = try LoopbackRedirect { SocketOwner()?.uid(ofPeerOf: $0) == getuid() }
        let state = Base64.url(Self.random(32))
        let verifier = Base64.url(Self.random(32))
        let name = Self.label(hostname)
        let fields = [
            ("key", key.publicKey.base64URL), ("challenge", Hash.of(Array(verifier.utf8)).base64URL), ("state", state),
            ("port", "\(redirect.port)"), ("hostname", name), ("custody", secrets.custody),
        ]
        redirect.open { answer in
            answer["state"].map { $0.utf8.elementsEqual(state.utf8) } == true
                && (answer["code"] != nil || answer["error"] != nil)
        }
        return BrowserEnrolment(
            url: "\(address.url)/enrol?\(FormBody.query(fields))",
            words: KeyWords(machine: key.publicKey.bytes, coordinator: identity.key.bytes),
            hostname: name,
            custody: secrets.custody,
            redirect: redirect,
            verifier: verifier
        ) { code, verifier in
            try await join(address, identity, key, pending, proof: code, verifier: verifier, hostname: name)
        }
    }

    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
