import StrictJSON
import Testing

@testable import Policy

@Suite("Signed rules")
struct SignedRulesTests {
    @Test(
        "Whatever is not known makes the whole document worthless",
        arguments: [
            #"{"forbid":[],"limits":[],"roles":[],"version":2}"#,
            #"{"forbid":[],"limits":[],"roles":[],"version":1,"require":[{}]}"#,
            #"{"forbid":[],"limits":[],"roles":[],"version":1,"demand":[]}"#,
            #"{"forbid":[],"limits":[],"roles":[{"grant":[{"server":"a","args":{}}],"name":"dev"}],"version":1}"#,
            #"{"forbid":[],"limits":[],"roles":[{"grant":[{"tools":["a"]}],"name":"dev"}],"version":1}"#,
            #"{"forbid":[],"limits":[],"roles":[{"grant":[{"server":"a","tools":[]}],"name":"dev"}],"version":1}"#,
            #"{"forbid":[],"limits":[],"roles":[{"grant":[],"name":"dev"},{"grant":[],"name":"dev"}],"version":1}"#,
            #"{"forbid":[],"limits":[],"roles":[{"grant":[],"name":"a/b"}],"version":1}"#,
            #"{"forbid":[{"user":"ann@example.com"}],"limits":[],"roles":[],"version":1}"#,
            #"{"forbid":[{"server":"a*b"}],"limits":[],"roles":[],"version":1}"#,
            #"{"forbid":[],"limits":[{"per":"org","rate":"1/s"}],"roles":[],"version":1}"#,
            #"{"forbid":[],"limits":[{"per":"user"}],"roles":[],"version":1}"#,
            #"{"forbid":[],"limits":[{"per":"user","rate":"0/s"}],"roles":[],"version":1}"#,
            #"{"forbid":[],"limits":[{"per":"user","rate":"+1/s"}],"roles":[],"version":1}"#,
            #"{"forbid":[],"limits":[{"burst":2,"concurrent":1,"per":"user"}],"roles":[],"version":1}"#,
            #"{"forbid":[],"roles":[],"version":1}"#,
            #"{"forbid":[],"limits":[],"mode":"sometimes","roles":[],"version":1}"#,
        ]
    )
    func refused(text: String) throws {
        let json = try JSONValue(parsing: Array(text.utf8))
        #expect(throws: ShapeError.self) { try PolicyRules(json) }
    }

    @Test("What a policy does not use is not in it, so that agents that do not know it take the rest")
    func plain() throws {
        #expect(String(decoding: PolicyRules.empty.json.bytes, as: UTF8.self).contains("mode") == false)
        let observing = PolicyRules(mode: .observe)
        #expect(try PolicyRules(observing.json) == observing)
        #expect(observing.json["mode"] == "observe")
    }
}
