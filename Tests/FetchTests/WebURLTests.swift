import Testing

@testable import Fetch

@Suite("URLs that strangers choose")
struct WebURLTests {
    @Test(
        "An address is seen through whatever notation it has",
        arguments: [
            "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
            "http://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://LOCALHOST./", "http://a.localhost/",
        ]
    )
    func loopback(text: String) throws {
        #expect(try #require(WebURL(text)).isLoopback)
    }

    @Test(
        "What two readers could take for different URLs is refused",
        arguments: [
            "", "example.com", "//example.com", "http:/example.com", "http:///example.com", "ftp://example.com",
            "file:///etc/passwd", "javascript:alert(1)", "https://user@example.com", "https://user:pass@example.com",
            "https://example.com\\@evil.example", "https://exa mple.com", "https://example.com/\u{0A}",
            "https://ex\u{0}.com",
            "https://１２７.0.0.1/", "https://example.com:0", "https://example.com:65536", "https://[fe80::1%25lo]/",
            "https://", " https://example.com", "https://%65xample.com/",
        ]
    )
    func refused(text: String) {
        #expect(WebURL(text) == nil)
    }

    @Test("The parts of a URL")
    func parts() throws {
        let url = try #require(WebURL("HTTPS://Example.COM:8443/a/b%20c?d=e&f#g"))
        #expect(url.origin == "https://example.com:8443")
        #expect((url.path, url.query, url.fragment) == ("/a/b%20c", "d=e&f", "g"))
        #expect(try #require(WebURL("https://example.com:443")).origin == "https://example.com")
    }
}
