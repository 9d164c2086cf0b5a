import Testing

@testable import SignIn

@Suite("Where a browser goes")
struct FlowTests {
    @Test(
        "It goes to a path of the coordinator's own",
        arguments: ["/", "/people", "/people?page=2&q=a%20b", "/a//b", "/.", "/@evil.example"]
    )
    func good(path: String) {
        #expect(ReturnPath(path)?.text == path)
    }

    @Test(
        "Nothing else is a path to it",
        arguments: [
            "", "people", "//evil.example", "/\\evil.example", "/\\/evil.example", "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)", "/a\r\nSet-Cookie: x=1", "/a b", "/\u{9}/evil.example", "/é", "/a#b",
            "/" + String(repeating: "a", count: 1024),
        ]
    )
    func bad(path: String) {
        #expect(ReturnPath(path) == nil)
    }

    @Test("A cookie that somebody else has written leads nowhere else")
    func cookie() {
        let flow = SignInFlow(.init(path: "/people"), secret: [UInt8](repeating: 7, count: 32), now: 1000)
        let content = String(flow.cookie.split(separator: ";")[0].split(separator: "=")[1])
        #expect(SignInFlow(content: content) == flow)
        var parts = content.split(separator: ".").map(String.init)
        parts[3] = "Ly9ldmlsLmV4YW1wbGU"
        #expect(SignInFlow(content: parts.joined(separator: ".")) == nil)
        parts[3] = "Lw"
        let changed = SignInFlow(content: parts.joined(separator: "."))
        #expect(changed?.state != flow.state)
        #expect(changed?.verifier != flow.verifier)
    }

    @Test("Leftovers of many sign-ins are taken away, the session's cookie is not")
    func leftovers() {
        let cookies = (0..<SignInFlow.most).map { number in
            let flow = SignInFlow(.init(), secret: [UInt8](repeating: UInt8(number), count: 32), now: 1000)
            return String(flow.cookie.split(separator: ";")[0])
        }
        #expect(SignInFlow.leftovers(in: ["__Host-doorward=x; \(cookies.dropLast().joined(separator: "; "))"]).isEmpty)
        let taken = SignInFlow.leftovers(in: ["__Host-doorward=x; \(cookies.joined(separator: "; "))"])
        #expect(taken.count == SignInFlow.most)
        #expect(taken.allSatisfy { $0.contains("Max-Age=0") })
    }
}
