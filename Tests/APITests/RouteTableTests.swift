import Contract
import Testing

@testable import API

@Suite("Routes")
struct RouteTableTests {
    static let table = RouteTable(
        [("GET", "/v1/things"), ("POST", "/v1/things"), ("DELETE", "/v1/things/{name}"), ("POST", "/v1/things/check")]
            .map { method, path in Operation(method, path, for: .anonymous) { _ in .text("") } }
    )

    private func found(_ method: String, _ path: String) -> (String, [String])? {
        guard case .operation(let operation, let parameters) = Self.table.match(method: method, path: path) else {
            return nil
        }
        return (operation.path, parameters)
    }

    @Test("A path leads to its operation, a variable segment is decoded once")
    func matching() throws {
        #expect(try #require(found("GET", "/v1/things")) == ("/v1/things", []))
        #expect(try #require(found("HEAD", "/v1/things")) == ("/v1/things", []))
        #expect(try #require(found("DELETE", "/v1/things/a-b")) == ("/v1/things/{name}", ["a-b"]))
        #expect(try #require(found("DELETE", "/v1/things/%2525")) == ("/v1/things/{name}", ["%25"]))
    }

    @Test(
        "What is not spelled as declared leads nowhere",
        arguments: [
            "", "/", "/v1", "/v1/", "/v1/things/", "//v1/things", "/v1//things", "/V1/things", "/v1/thing%73",
            "/v1/things/a/b", "/v1/./things", "/v1/x/../things", "v1/things",
        ]
    )
    func nowhere(path: String) {
        #expect(found("GET", path) == nil)
    }

    @Test(
        "A variable segment hides nothing",
        arguments: ["%", "%2", "%zz", "%2f", "a%2Fb", "%00", "%0a", "%7f", "%ff", "%c3%28", ""]
    )
    func variables(segment: String) {
        #expect(found("DELETE", "/v1/things/\(segment)") == nil)
    }

    @Test("A path that exists names its methods")
    func methods() {
        guard case .otherMethods(let methods) = Self.table.match(method: "PUT", path: "/v1/things") else {
            Issue.record("no other methods")
            return
        }
        #expect(methods == ["GET", "HEAD", "POST"])
    }

    @Test(
        "A target is a path of printable ASCII",
        arguments: [
            "", "*", "http://a/v1", "/a b", "/a#b", "/é", "/\u{1}", "v1", "/" + String(repeating: "a", count: 2048),
        ]
    )
    func targets(target: String) {
        #expect(throws: Problem.self) { try RequestTarget(target) }
    }

    @Test("Path and query stay as they were sent")
    func raw() throws {
        let target = try RequestTarget("/v1/%41?a=%41&&b?c=d")
        #expect(target.path == "/v1/%41")
        #expect(target.query == "a=%41&&b?c=d")
        #expect(try RequestTarget("/v1?").query.isEmpty)
    }

    @Test(
        "A query with anything unexpected is refused",
        arguments: [
            "after", "after=1&after=2", "after=1&", "&", "other=1", "after=-1", "after=01", "after=1.0", "after=%",
            "after=9999999999999999", "after=",
        ]
    )
    func queries(query: String) throws {
        let target = try RequestTarget("/v1?\(query)")
        #expect(throws: Problem.self) { try RequestTarget.numbers(of: target.fields(["after", "org"])) }
    }

    @Test("Numbers of a query are read")
    func numbers() throws {
        let target = try RequestTarget("/v1?org=7&after=0")
        #expect(try RequestTarget.numbers(of: target.fields(["after", "org"])) == ["after": 0, "org": 7])
        #expect(try RequestTarget("/v1").fields(["after"]).isEmpty)
    }
}
