import Testing

@testable import Policy

@Suite("Resource URIs that may lead elsewhere than they say")
struct ResourceURITests {
    private func isAmbiguous(_ uri: String) -> Bool {
        Array(uri.utf8).withUnsafeBufferPointer(ResourceURI.isAmbiguous)
    }

    @Test(
        "Dot segments, empty segments and backslashes are found however they are written",
        arguments: [
            "file:///docs/../etc/passwd", "file:///docs/..", "file:///docs/.", "file:///docs/./private/x",
            "file:///docs/%2e%2e/etc/passwd", "file:///docs/%2E./x", "file:///docs/.%2e/x", "file:///docs/%252e%252e/x",
            "file:///docs/..%2fetc", "file:///docs/%2f..%2fetc", "file:///docs//private/x", "file:////etc/passwd",
            "file:///docs\\..\\x", "file:///docs/a%5cb", "file:///docs/a%255Cb", "file://../etc", "docs:../x", "docs:.",
            "../x", "..", "/a/../b", "//a//b", "file:///docs/..;v=1/x", "file:///docs/x?/../../etc/passwd",
            "file:///docs/x#/../y", "file:///docs/../", "x://a/..?b", "x:..\\y",
        ]
    )
    func ambiguous(uri: String) {
        #expect(isAmbiguous(uri))
    }

    @Test(
        "Whatever names one place only is no such URI",
        arguments: [
            "file:///docs/a", "file:///docs/", "file:///docs/.hidden", "file:///docs/...", "file:///docs/a..b",
            "file:///docs/..a", "file:///docs/a.", "file:///docs/a%20b", "repo://owner/name", "repo://", "repo:///x",
            "mem:a", "urn:isbn:1", "", "a", "/a/b/", "fetch://page/https%3A%2F%2Fexample.com%2F",
            "web://page?url=https://example.com//x", "file:///docs/100%", "file:///docs/%2", "file:///docs/%zz",
            "x:;a/b",
        ]
    )
    func plain(uri: String) {
        #expect(!isAmbiguous(uri))
    }
}
