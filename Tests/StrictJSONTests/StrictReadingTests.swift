import StrictJSON
import Testing

@Suite("What the strict reader refuses")
struct StrictReadingTests {
    @Test(
        "Every ambiguity is refused, by the tree, by the validator and for its own reason",
        arguments: AmbiguityCorpus.cases
    )
    func corpus(each: AmbiguityCorpus.Case) {
        let byTree = refusal { () throws(JSONError) in _ = try JSONValue(parsing: each.bytes) }
        let byValidator = refusal { () throws(JSONError) in
            try each.bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
                try JSONScanner.validate(bytes, limits: .message)
            }
        }
        #expect(byTree?.kind == each.kind)
        #expect(byValidator?.kind == each.kind)
        #expect(byTree?.offset ?? -1 <= each.bytes.count)
    }

    @Test("Names that were chosen to be hard to tell apart cost no more than others", arguments: [false, true])
    func hardNames(isDoubled: Bool) {
        // Alike at both ends, and each with an escape: comparing any two means to decode both.
        var names = (0..<100_000).map { #""alike-at-the-start-\#($0)\u0061-alike-at-the-end""# }
        if isDoubled { names.append(names[50_000]) }
        let bytes = Array("{\(names.map { "\($0):1" }.joined(separator: ","))}".utf8)
        let time = ContinuousClock().measure {
            let refusal = refusal { () throws(JSONError) in
                try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
                    try JSONScanner.validate(bytes, limits: .reply)
                }
            }
            #expect(refusal?.kind == (isDoubled ? .ambiguous(.duplicateName) : nil))
        }
        // A few hundred milliseconds without optimisation; comparing each pair would be minutes.
        #expect(time < .seconds(20))
    }

    @Test("A string is read alike wherever something is in it, however long it is", arguments: [0, 1, 7])
    func strings(before: Int) {
        let parts: [(bytes: [UInt8], error: JSONError.Kind?)] = [
            ([0x7F], nil), ([0xC3, 0xA9], nil), (Array(#"\""#.utf8), nil), (Array(#"\u00e9"#.utf8), nil),
            ([0x1F], .syntax(.controlCharacter)), ([0x80], .syntax(.badUTF8)), ([0xFF], .syntax(.badUTF8)),
            ([0x22], .syntax(.unexpectedByte)),
        ]
        for length in 0..<180 {
            for (part, error) in parts {
                // At the edges of words and blocks, and where one ends that holds nothing else.
                for place in Set([0, length / 2, max(0, length - 9), max(0, length - 1), length]) {
                    let text = [UInt8](repeating: UInt8(ascii: "~"), count: place) + part
                    let string = text + [UInt8](repeating: UInt8(ascii: " "), count: length - place)
                    let start = Array("[".utf8) + [UInt8](repeating: UInt8(ascii: "\n"), count: before) + [0x22]
                    let found = refusal { () throws(JSONError) in
                        _ = try JSONValue(
                            parsing: start + string + Array("\",1]".utf8),
                            limits: .message,
                            topLevel: .anything
                        )
                    }
                    #expect(found?.kind == error)
                    if error != nil, found?.kind != .syntax(.unexpectedByte) {
                        #expect(found?.offset == start.count + place)
                    }
                }
            }
        }
    }

    @Test("A document cut off anywhere is refused")
    func cuts() throws {
        let whole = Array(#"{"a":[1,-2.5e3,true,false,null,"é\n\ud83d\ude00",{"b":{}}],"":""}"#.utf8)
        _ = try JSONValue(parsing: whole)
        for length in 0..<whole.count {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(whole[..<length])) }
        }
    }

    @Test("An error repeats nothing of the contents")
    func silence() {
        let error = refusal { () throws(JSONError) in
            _ = try JSONValue(parsing: Array(#"{"secret":1,"secret":2}"#.utf8))
        }
        #expect(error.map { !"\($0)".contains("secret") } == true)
    }

    @Test("The deepest and the largest that are allowed pass")
    func bounds() throws {
        let deep = String(repeating: #"{"a":"#, count: 63) + "{}" + String(repeating: "}", count: 63)
        #expect(try JSONValue(parsing: Array(deep.utf8)).object != nil)
        let large = [UInt8](repeating: UInt8(ascii: " "), count: (4 << 20) - 2) + Array("{}".utf8)
        #expect(try JSONValue(parsing: large).object?.isEmpty == true)
    }

    @Test("Names that look alike and are different bytes are different names")
    func lookalikes() throws {
        // Canonically equivalent spellings, and the Kelvin sign: one name for Swift's String, two for a server.
        let value = try JSONValue(parsing: Array("{\"caf\u{E9}\":1,\"cafe\u{301}\":2,\"K\":3,\"\u{212A}\":4}".utf8))
        #expect(value.object?.count == 4)
        #expect(value["caf\u{E9}"]?.int == 1)
        #expect(value["cafe\u{301}"]?.int == 2)
    }

    private func refusal(_ body: () throws(JSONError) -> Void) -> JSONError? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
