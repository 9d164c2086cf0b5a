internal import Bytes
internal import TransparencyLog

/// One sign-in that is under way in a browser.
///
/// Nothing of it is stored: all that the answer is compared with is made of what the browser's own cookie holds, so a
/// stranger who begins a million of them takes no room, and any replica can end one. What a cookie says the provider sees
/// hashed, as `state`, `nonce` and `code_challenge`; another browser than the one that began cannot go on.
struct SignInFlow: Sendable, Equatable {
    /// What a flow is for beside its person.
    struct Purpose: Sendable, Equatable {
        /// Where the browser goes when it is signed in: a path of the coordinator's own.
        var path = "/"
        /// Whether the person has to prove itself anew, however lately it did.
        var isFresh = false
    }

    let purpose: Purpose
    /// Seconds since 1970.
    let begunAt: Int
    /// The whole content of the cookie.
    private let content: String

    /// For so long a browser may stay at the provider; in seconds.
    static let life = 600
    private static let prefix = "__Host-doorward-flow-"
    /// More than that are leftovers.
    static let most = 10

    /// A flow that begins.
    ///
    /// - Parameters:
    ///   - purpose: what it is for.
    ///   - secret: 32 random bytes.
    ///   - now: seconds since 1970.
    init(_ purpose: Purpose, secret: [UInt8], now: Int) {
        self.purpose = purpose
        begunAt = now
        content = "\(Base64.url(secret)).\(now).\(purpose.isFresh ? 1 : 0).\(Base64.url(Array(purpose.path.utf8)))"
    }

    /// The flow of a cookie's content; nil where it is none.
    init?(content: String) {
        let parts = content.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, Base64.decodeURL(parts[0].utf8)?.count == 32, let begun = Int(parts[1]),
            parts[2] == "0" || parts[2] == "1", let path = Base64.decodeURL(parts[3].utf8),
            let path = String(validating: path, as: UTF8.self).flatMap({ ReturnPath($0) })
        else { return nil }
        purpose = Purpose(path: path.text, isFresh: parts[2] == "1")
        begunAt = begun
        self.content = content
    }

    /// The flow of an answer's `state` among the cookies of a request; nil where there is none, or it is too old.
    init?(state: String, cookies: [String], now: Int) {
        let name = Self.name(state)
        let found = cookies.flatMap { $0.split(separator: ";") }.compactMap { pair -> String? in
            let pair = pair.drop { $0 == " " }
            return pair.utf8.starts(with: "\(name)=".utf8) ? String(pair.dropFirst(name.count + 1)) : nil
        }
        guard found.count == 1, let flow = SignInFlow(content: found[0]),
            Hash.of(Array(flow.state.utf8)) == Hash.of(Array(state.utf8)),
            (flow.begunAt - 60...flow.begunAt + Self.life).contains(now)
        else { return nil }
        self = flow
    }

    // MARK: What goes to the provider

    /// Ties the answer to this browser.
    var state: String { part("state") }
    /// Ties the ID token to this flow.
    var nonce: String { part("nonce") }
    /// The proof key (RFC 7636), which the provider sees the hash of before it sees the key.
    var verifier: String { part("verifier") }
    var challenge: String { Hash.of(Array(verifier.utf8)).base64URL }

    private func part(_ name: String) -> String { Hash.of(Array("doorward \(name)\n\(content)".utf8)).base64URL }

    // MARK: The browser's cookie

    /// A name of its own, so that the flows of several windows do not take each other's place.
    private static func name(_ state: String) -> String {
        prefix + String(state.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(8))
    }

    /// The value of `Set-Cookie` that begins it.
    var cookie: String {
        "\(Self.name(state))=\(content); Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=\(Self.life)"
    }

    /// The value of `Set-Cookie` that ends it.
    var ended: String { Self.ending(Self.name(state)) }

    /// The values of `Set-Cookie` that take leftovers away.
    static func leftovers(in cookies: [String]) -> [String] {
        let names = cookies.flatMap { $0.split(separator: ";") }
            .map { String($0.drop { $0 == " " }.prefix { $0 != "=" }) }.filter { $0.hasPrefix(prefix) }
        return names.count < most ? [] : names.map(ending)
    }

    private static func ending(_ name: String) -> String {
        "\(name)=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    }
}

/// Where a browser may be sent after it has signed in: a path of the coordinator's own, and nothing that a browser could
/// take for another host.
package struct ReturnPath: Sendable, Equatable {
    package let text: String

    /// nil for anything else than a path with a query.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...1024).contains(bytes.count), bytes[0] == UInt8(ascii: "/"),
            // `//host` and `/\host` are other hosts to browsers.
            bytes.count == 1 || bytes[1] != UInt8(ascii: "/") && bytes[1] != UInt8(ascii: "\\"),
            bytes.allSatisfy({ (0x21...0x7E).contains($0) && !"\"<>\\^`{|}#".utf8.contains($0) })
        else { return nil }
        self.text = text
    }
}
