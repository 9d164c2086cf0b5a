import Testing

@testable import SignIn

@Suite("What a browser says of a request")
struct BrowserRequestTests {
    private let lodge: Lodge
    private static let own = "https://example.com"

    init() throws { lodge = try Lodge() }

    @Test("A change comes from a page of the coordinator's own origin, with the session's proof")
    func change() async throws {
        let session = try await lodge.browser().session
        let good: [(String, String)] = [("origin", Self.own), ("sec-fetch-site", "same-origin")]
        func refusal(_ headers: [(String, String)], _ proof: String?) async -> String? {
            await code { try session.checkChange(.of(headers), proof: proof, origin: Self.own) }
        }
        #expect(await refusal(good, session.csrf) == nil)
        #expect(await refusal([good[0]], session.csrf) == nil)
        for proof in [
            nil, "", String(session.csrf.dropLast()), session.csrf + "=", try await lodge.browser().session.csrf,
        ] {
            #expect(await refusal(good, proof) == "csrf")
        }
    }

    @Test(
        "Another origin, one that is hidden, two of them, or a site that is merely near is refused",
        arguments: [
            [], [("origin", "null")], [("origin", "https://example.com.evil.example")],
            [("origin", "http://example.com")], [("origin", "https://example.com:444")],
            [("origin", "https://EXAMPLE.com")],
            [("origin", own), ("origin", "https://evil.example")], [("origin", own), ("sec-fetch-site", "same-site")],
            [("origin", own), ("sec-fetch-site", "cross-site")], [("origin", own), ("sec-fetch-site", "none")],
        ]
    )
    func otherOrigin(_ headers: [(String, String)]) async throws {
        let session = try await lodge.browser().session
        #expect(
            await code { try session.checkChange(.of(headers), proof: session.csrf, origin: Self.own) }
                == "other_origin"
        )
    }

    @Test("A look from another site is for people who follow a link, not for pages that ask in their name")
    func look() async {
        func refusal(_ site: String?, _ mode: String?) async -> String? {
            let headers = [site.map { ("sec-fetch-site", $0) }, mode.map { ("sec-fetch-mode", $0) }].compactMap { $0 }
            return await code { try BrowserRequest.of(headers).checkLook() }
        }
        #expect(await refusal(nil, nil) == nil)
        #expect(await refusal("same-origin", "cors") == nil)
        #expect(await refusal("none", "navigate") == nil)
        #expect(await refusal("cross-site", "navigate") == nil)
        #expect(await refusal("cross-site", "no-cors") == "other_origin")
        #expect(await refusal("same-site", "cors") == "other_origin")
        #expect(await refusal("cross-site", nil) == "other_origin")
    }
}
