import StrictJSON
import Testing

@Suite("The canonical form")
struct CanonicalTests {
    @Test("A value has one spelling, whatever the order in which it was written")
    func sorting() throws {
        let value: JSONValue = ["b": 1, "a": [true, "x\n\u{1}é"], "a0": .object(["z": -5])]
        #expect(
            String(decoding: try value.canonicalBytes(), as: UTF8.self)
                == #"{"a":[true,"x\n\u0001é"],"a0":{"z":-5},"b":1}"#
        )
        #expect(try JSONValue(canonical: try value.canonicalBytes()) == value)
    }

    @Test(
        "What has no canonical spelling is refused",
        arguments: [
            #"{"a":null}"#, #"{"a":1.0}"#, #"{"a":-0}"#, #"{"a":1e3}"#, #"{"a":9007199254740992}"#, #"{"A":1}"#,
            #"{"a-b":1}"#, #"{"":1}"#, #"{"abcdefghijklmnopqrstuvwxyz0123456":1}"#, #"{"é":1}"#,
        ]
    )
    func noSpelling(text: String) throws {
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(throws: JSONError.self) { try value.canonicalBytes() }
        #expect(throws: JSONError.self) { try JSONValue(canonical: Array(text.utf8)) }
    }

    @Test(
        "Another spelling of a canonical value is refused",
        arguments: [
            #"{"b":1,"a":2}"#, #"{"a": 1}"#, #"{"a":"\u0041"}"#, #"{"a":"\/"}"#, #"{"a":1} "#, " {}",
            #"{"a":"\u000A"}"#,
            #"{"a":"\u000a"}"#,
        ]
    )
    func otherSpelling(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(canonical: Array(text.utf8)) }
    }

    @Test("Every flip of a bit gives another value or an error, never the same value")
    func mutations() throws {
        let bytes = Array(#"{"a":[1,true,"é"],"b":{"c":"x"},"d":9007199254740991}"#.utf8)
        let value = try JSONValue(canonical: bytes)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                if let other = try? JSONValue(canonical: changed) { #expect(other != value) }
            }
        }
    }
}
