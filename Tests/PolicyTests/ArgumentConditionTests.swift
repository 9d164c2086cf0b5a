import StrictJSON
import Testing

@testable import Policy

/// What a condition says of the arguments of a call.
enum Conditions {
    /// The conditions of a file's `args`.
    static func read(_ args: JSONValue) throws -> [ArgumentPredicate] {
        let rule = try PolicyRules.Grant(["server": "a", "tools": ["t"], "args": args], form: .file, at: "")
        return rule.arguments
    }

    /// What comes of the one condition in `args`; nil for a call without arguments.
    static func truth(_ args: JSONValue, of arguments: String?) throws -> Truth {
        let predicates = try read(args)
        let predicate = try #require(predicates.first)
        var places = ArgumentPlaces()
        let place = places.add(predicate.pointer)
        guard let arguments else {
            let bytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
            return predicate.condition.truth(of: places.values(in: nil)[place], in: bytes)
        }
        return Array(arguments.utf8).withUnsafeBufferPointer { bytes in
            predicate.condition.truth(of: places.values(in: bytes)[place], in: bytes)
        }
    }
}

@Suite("Conditions on arguments")
struct ArgumentConditionTests {
    @Test(
        "Each holds, fails, or it is unknown",
        arguments: [
            // Equal as bytes, and only with what is of the same type.
            (["eq": "acme"], #"{"a":"acme"}"#, Truth.holds), (["eq": "acme"], #"{"a":"\u0061cme"}"#, .holds),
            (["eq": "acme"], #"{"a":"Acme"}"#, .fails), (["eq": "caf\u{E9}"], "{\"a\":\"cafe\u{301}\"}", .fails),
            (["eq": "1"], #"{"a":1}"#, .unknown), (["eq": 1], #"{"a":1}"#, .holds), (["eq": 1], #"{"a":2}"#, .fails),
            (["eq": 1], #"{"a":1.0}"#, .unknown), (["eq": 1], #"{"a":"1"}"#, .unknown),
            (["eq": true], #"{"a":true}"#, .holds), (["eq": true], #"{"a":false}"#, .fails),
            (["eq": true], #"{"a":"true"}"#, .unknown), (["eq": "x"], #"{"a":null}"#, .unknown),
            (["eq": "x"], #"{"a":["x"]}"#, .unknown), (["eq": "x"], #"{}"#, .unknown),
            // One of several.
            (["in": ["a", "b", 3]], #"{"a":"b"}"#, .holds), (["in": ["a", "b", 3]], #"{"a":3}"#, .holds),
            (["in": ["a", "b", 3]], #"{"a":4}"#, .fails), (["in": ["a", "b", 3]], #"{"a":true}"#, .unknown),
            // Whole numbers in their plain spelling, as far as doubles have them.
            (["int_range": [-1, 100]], #"{"a":-1}"#, .holds), (["int_range": [-1, 100]], #"{"a":101}"#, .fails),
            (["int_range": [-1, 100]], #"{"a":1e2}"#, .unknown), (["int_range": [-1, 100]], #"{"a":-0}"#, .unknown),
            (["int_range": [-1, 100]], #"{"a":"5"}"#, .unknown),
            (["int_range": [0, 9_007_199_254_740_991]], #"{"a":9007199254740992}"#, .unknown),
            (["int_range": [0, 9_007_199_254_740_991]], #"{"a":9007199254740991}"#, .holds),
            // Bytes of a text, elements of an array.
            (["max_len": 3], #"{"a":"abc"}"#, .holds), (["max_len": 3], #"{"a":"abcd"}"#, .fails),
            (["max_len": 3], #"{"a":"\u0061bc"}"#, .holds), (["max_len": 3], "{\"a\":\"\u{E9}\u{E9}\"}", .fails),
            (["max_len": 2], #"{"a":[1,[2,3]]}"#, .holds), (["max_len": 1], #"{"a":[1,2]}"#, .fails),
            (["max_len": 3], #"{"a":{}}"#, .unknown), (["max_len": 3], #"{"a":7}"#, .unknown),
            // There or not; null is either.
            (["present": true], #"{"a":0}"#, .holds), (["present": true], #"{"a":{}}"#, .holds),
            (["present": true], #"{}"#, .fails), (["present": true], #"{"a":null}"#, .unknown),
            (["absent": true], #"{"b":1}"#, .holds), (["absent": true], #"{"a":[]}"#, .fails),
            (["absent": true], #"{"a":false}"#, .fails), (["absent": true], #"{"a":null}"#, .unknown),
        ] as [(JSONValue, String, Truth)]
    )
    func values(condition: JSONValue, arguments: String, expected: Truth) throws {
        #expect(try Conditions.truth(["/a": condition], of: arguments) == expected)
    }

    @Test("A call without arguments misses every value")
    func noArguments() throws {
        #expect(try Conditions.truth(["/a": ["eq": 1]], of: nil) == .unknown)
        #expect(try Conditions.truth(["/a": ["present": true]], of: nil) == .fails)
        #expect(try Conditions.truth(["/a": ["absent": true]], of: nil) == .holds)
        #expect(try Conditions.truth(["/a": ["absent": true]], of: "null") == .unknown)
        #expect(try Conditions.truth(["/a": ["absent": true]], of: "[]") == .unknown)
    }

    @Test(
        "A pointer leads through objects and arrays, and what has no members makes it unknown",
        arguments: [
            ("/a/b", #"{"a":{"b":1}}"#, Truth.holds), ("/a/0", #"{"a":[1,2]}"#, .holds),
            ("/a/1", #"{"a":[2,1]}"#, .holds),
            ("/a/1", #"{"a":[1]}"#, .unknown), ("/a/0", #"{"a":{"0":1}}"#, .holds), ("/a/-", #"{"a":[1]}"#, .unknown),
            ("/a/01", #"{"a":[0,1]}"#, .unknown), ("/a/b", #"{"a":"b"}"#, .unknown), ("/a/b", #"{"a":null}"#, .unknown),
            ("/a~1b", #"{"a/b":1}"#, .holds), ("/m~0n", #"{"m~n":1}"#, .holds), ("/a b", #"{"a b":1}"#, .holds),
            ("/a", #"{"\u0061":1}"#, .holds),
            ("/a/b/c/d/e/f/g/h", #"{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":1}}}}}}}}"#, .holds),
        ]
    )
    func pointers(pointer: String, arguments: String, expected: Truth) throws {
        let args = JSONValue.object(JSONObject(unique: [JSONObject.Member(JSONText(pointer), ["eq": 1])]))
        #expect(try Conditions.truth(args, of: arguments) == expected)
    }

    @Test(
        "A name that stands there in another case too could be taken for the other, so nothing is known",
        arguments: [
            #"{"keys":"a","Keys":"b"}"#, #"{"KEYS":"b","keys":"a"}"#, #"{"Keys":"a"}"#, "{\"\u{212A}eys\":\"a\"}",
            "{\"key\u{17F}\":\"b\",\"keys\":\"a\"}", #"{"keys":"a","\u004beys":"b"}"#,
        ]
    )
    func variants(arguments: String) throws {
        #expect(try Conditions.truth(["/keys": ["eq": "a"]], of: arguments) == .unknown)
        #expect(try Conditions.truth(["/keys": ["absent": true]], of: arguments) == .unknown)
        #expect(try Conditions.truth(["/keys/0": ["present": true]], of: arguments) == .unknown)
        #expect(try Conditions.truth(["/other": ["absent": true]], of: arguments) == .holds)
    }

    @Test(
        "The host of a URL",
        arguments: [
            ("https://example.com/a?b#c", Truth.holds), ("HTTPS://EXAMPLE.com", .holds),
            ("https://example.com:8443/", .holds),
            ("wss://example.com", .holds), ("http://a.b.intra.example.org/", .holds),
            ("http://intra.example.org/", .fails),
            ("http://xintra.example.org/", .fails), ("https://example.com.evil.org/", .fails),
            ("https://evil.org/example.com", .fails),
            ("https://10.0.0.1/", .holds), ("https://10.0.0.2/", .fails), ("https://[::1]:80/", .holds),
            ("https://[0:0::1]/", .unknown), ("https://[::ffff:10.0.0.1]/", .unknown),
            // Readers differ on where the host is, or on which one it is.
            ("https://example.com@evil.org/", .unknown), ("https://evil.org\\@example.com/", .unknown),
            ("https://evil.org#@example.com/", .fails), ("https://evil.org?@example.com/", .fails),
            ("https:/example.com/", .unknown), ("https:example.com", .unknown), ("https:///example.com/", .unknown),
            ("//example.com/", .unknown), ("example.com", .unknown), (" https://example.com/", .unknown),
            ("https://example.com\u{9}/", .unknown), ("https://exa\u{AD}mple.com/", .unknown),
            ("https://example.com./", .unknown), ("https://example%2Ecom/", .unknown),
            ("https://0x0a.0.0.1/", .unknown),
            ("https://167772161/", .unknown), ("https://10.1/", .unknown), ("https://010.0.0.1/", .unknown),
            ("https://example.com:x/", .unknown), ("https://example.com:99999/", .unknown), ("https://a..b/", .unknown),
            ("file:///example.com/", .unknown), ("javascript:alert(1)", .unknown), ("", .unknown),
        ]
    )
    func hosts(url: String, expected: Truth) throws {
        let hosts: JSONValue = ["url_host_in": ["example.com", "*.intra.example.org", "10.0.0.1", "[::1]"]]
        let arguments = JSONValue.object(["a": .text(url)]).json
        #expect(try Conditions.truth(["/a": hosts], of: arguments) == expected)
    }

    @Test(
        "A path in a folder, segment by segment",
        arguments: [
            ("/srv/data", "/srv/data", Truth.holds), ("/srv/data", "/srv/data/", .holds),
            ("/srv/data", "/srv/data/x/y", .holds),
            ("/srv/data/", "/srv/data/x", .holds), ("/srv/data", "/srv/database", .fails),
            ("/srv/data", "/srv", .fails),
            ("/srv/data", "/etc/passwd", .fails), ("/srv/data", "/srv/data/%61", .holds), ("/", "/etc", .holds),
            ("docs", "docs/a", .holds), ("docs", "other/a", .fails),
            // Whatever a server may resolve, or decode once, twice or not at all.
            ("/srv/data", "/srv/data/../x", .unknown), ("/srv/data", "/srv/data/%2e%2E/x", .unknown),
            ("/srv/data", "/srv/data/%252e%252e/x", .unknown), ("/srv/data", "/srv/./data/x", .unknown),
            ("/srv/data", "/srv//data/x", .unknown), ("/srv/data", "/srv/data/..;a/x", .unknown),
            ("/srv/data", "/srv/data\\..\\x", .unknown), ("/srv/data", "/srv%2fdata/x", .unknown),
            ("/srv/data", "/%73rv/data/x", .unknown), ("/srv/data", "/srv/data/%zz", .unknown),
            ("/srv/data", "/srv/data/%2", .unknown), ("/srv/data", "/srv/data/a\u{0}b", .unknown),
            ("/srv/data", "srv/data/x", .unknown), ("docs", "/docs/a", .unknown), ("docs", "~/docs", .unknown),
            ("/srv/data", "~root/x", .unknown), ("/srv/data", "file:///srv/data/x", .unknown),
            ("/srv/data", "", .unknown),
            ("/srv/data", "/srv/data/...", .holds), ("/srv/data", "/srv/data/.hidden", .holds),
        ]
    )
    func folders(folder: String, path: String, expected: Truth) throws {
        let arguments = JSONValue.object(["a": .text(path)]).json
        #expect(try Conditions.truth(["/a": ["path_under": .text(folder)]], of: arguments) == expected)
    }

    @Test(
        "What a rule may not say is refused at its place",
        arguments: [
            ([:], "args"), (["a": ["eq": 1]], "args/a"), (["": ["eq": 1]], "args/"), (["/": ["eq": 1]], "args//"),
            (["/a/": ["eq": 1]], "args//a/"), (["/a~2": ["eq": 1]], "args//a~2"),
            (["/\u{E9}": ["eq": 1]], "args//\u{E9}"),
            (["/a": [:]], "args//a"), (["/a": ["eq": []]], "args//a/eq"), (["/a": ["eq": .null]], "args//a/eq"),
            (["/a": ["eq": 9_007_199_254_740_992]], "args//a/eq"), (["/a": ["in": []]], "args//a/in"),
            (["/a": ["in": [[1]]]], "args//a/in/0"), (["/a": ["int_range": [1]]], "args//a/int_range"),
            (["/a": ["int_range": [2, 1]]], "args//a/int_range"), (["/a": ["max_len": -1]], "args//a/max_len"),
            (["/a": ["present": false]], "args//a/present"), (["/a": ["regex": "x"]], "args//a/regex"),
            (["/a": ["url_host_in": ["https://a"]]], "args//a/url_host_in/0"),
            (["/a": ["url_host_in": ["a:80"]]], "args//a/url_host_in/0"),
            (["/a": ["url_host_in": ["*.10.0.0.1"]]], "args//a/url_host_in/0"),
            (["/a": ["path_under": "/a/../b"]], "args//a/path_under"),
            (["/a": ["path_under": "/a%20b"]], "args//a/path_under"),
            (["/a": ["path_under": "~/b"]], "args//a/path_under"),
        ] as [(JSONValue, String)]
    )
    func refused(args: JSONValue, place: String) {
        let error = #expect(throws: ShapeError.self) { try Conditions.read(args) }
        #expect(error?.place == place)
    }

    @Test("Conditions are about calls: a rule with some names tools or prompts, and no resources")
    func scope() {
        for rule in [
            ["server": "a"], ["server": "a", "resources": ["*"]], ["server": "a", "tools": ["x"], "resources": ["*"]],
        ] as [JSONValue] {
            var object = rule.object ?? [:]
            object["args"] = ["/a": ["eq": 1]]
            #expect(throws: ShapeError.self) { try PolicyRules.Grant(.object(object), form: .file, at: "") }
            #expect(throws: ShapeError.self) { try PolicyRules.Forbid(.object(object), form: .file, at: "") }
        }
    }
}
