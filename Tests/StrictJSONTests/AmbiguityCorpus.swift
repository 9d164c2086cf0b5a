import StrictJSON

/// Documents that two parsers read differently, or one of them not at all, with what this reader says of each.
enum AmbiguityCorpus {
    struct Case: CustomStringConvertible, Sendable {
        let name: String
        let bytes: [UInt8]
        let kind: JSONError.Kind

        init(_ name: String, _ text: String, _ kind: JSONError.Kind) {
            self.init(name, Array(text.utf8), kind)
        }

        init(_ name: String, _ bytes: [UInt8], _ kind: JSONError.Kind) {
            self.name = name
            self.bytes = bytes
            self.kind = kind
        }

        var description: String { name }
    }

    static let cases: [Case] = names + ends + spellings + numbers + encodings

    private static let names = [
        Case("a name twice", #"{"a":1,"a":2}"#, .ambiguous(.duplicateName)),
        Case("a name twice, once escaped", #"{"a":1,"\u0061":2}"#, .ambiguous(.duplicateName)),
        Case("a name twice, both escaped", #"{"\u0061":1,"\u0061":2}"#, .ambiguous(.duplicateName)),
        Case("a name twice, deep inside", #"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#, .ambiguous(.duplicateName)),
        Case("an empty name twice", #"{"":1,"":2}"#, .ambiguous(.duplicateName)),
        Case("a name twice, an escaped slash", #"{"a/b":1,"a\/b":2}"#, .ambiguous(.duplicateName)),
        Case("a name twice, beyond the BMP", #"{"😀":1,"\ud83d\ude00":2}"#, .ambiguous(.duplicateName)),
        Case("a name twice among many", many(doubled: true), .ambiguous(.duplicateName)),
        Case("NUL in a name", #"{"method\u0000":1}"#, .ambiguous(.controlInName)),
        Case("a line feed in a name", #"{"a\n":1}"#, .ambiguous(.controlInName)),
        Case("DEL in a name", "{\"a\u{7F}\":1}", .ambiguous(.controlInName)),
        Case("a C1 control in a name", "{\"a\u{85}\":1}", .ambiguous(.controlInName)),
    ]

    private static let ends = [
        Case("nothing", "", .syntax(.truncated)),
        Case("white space", " \n", .syntax(.truncated)),
        Case("half an object", #"{"a":1"#, .syntax(.truncated)),
        Case("two documents", "{} {}", .syntax(.trailingBytes)),
        Case("a NUL behind", "{}\0", .syntax(.trailingBytes)),
        Case("a comma behind", "{},", .syntax(.trailingBytes)),
        Case("a byte order mark", "\u{FEFF}{}", .syntax(.byteOrderMark)),
        Case("an array on top", "[{}]", .ambiguous(.notAnObject)),
        Case("a string on top", "\"a\"", .ambiguous(.notAnObject)),
        Case("too deep", nested(65), .ambiguous(.tooDeep)),
        Case("far too deep", [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000), .ambiguous(.notAnObject)),
        Case(
            "too large",
            [UInt8](repeating: UInt8(ascii: " "), count: 4 << 20) + Array("{}".utf8),
            .ambiguous(.tooLarge)
        ),
    ]

    private static let spellings = [
        Case("a trailing comma in an object", #"{"a":1,}"#, .syntax(.unexpectedByte)),
        Case("a trailing comma in an array", #"{"a":[1,]}"#, .syntax(.unexpectedByte)),
        Case("a leading comma", #"{,"a":1}"#, .syntax(.unexpectedByte)),
        Case("a comment", "{/* a */}", .syntax(.unexpectedByte)),
        Case("a comment to the end of the line", "{}// a", .syntax(.trailingBytes)),
        Case("single quotes", "{'a':1}", .syntax(.unexpectedByte)),
        Case("a bare name", "{a:1}", .syntax(.unexpectedByte)),
        Case("True", #"{"a":True}"#, .syntax(.unexpectedByte)),
        Case("undefined", #"{"a":undefined}"#, .syntax(.unexpectedByte)),
        Case("a form feed as white space", "{\u{0C}}", .syntax(.unexpectedByte)),
        Case("a no-break space as white space", "{\u{A0}}", .syntax(.unexpectedByte)),
        Case("a bare line feed in a string", "{\"a\":\"b\nc\"}", .syntax(.controlCharacter)),
        Case("a bare NUL in a string", "{\"a\":\"b\0c\"}", .syntax(.controlCharacter)),
        Case("an escape of Javascript", #"{"a":"\x41"}"#, .syntax(.badEscape)),
        Case("an escaped quote of another kind", #"{"a":"\'"}"#, .syntax(.badEscape)),
        Case("three hex digits", #"{"a":"\u041"}"#, .syntax(.badEscape)),
        Case("hex digits with a sign", #"{"a":"\u+041"}"#, .syntax(.badEscape)),
        Case("an escape of more digits", #"{"a":"\u{41}"}"#, .syntax(.badEscape)),
        Case("a high surrogate alone", #"{"a":"\ud800"}"#, .ambiguous(.loneSurrogate)),
        Case("a low surrogate alone", #"{"a":"\udc00"}"#, .ambiguous(.loneSurrogate)),
        Case("surrogates the wrong way round", #"{"a":"\ude00\ud83d"}"#, .ambiguous(.loneSurrogate)),
        Case("a high surrogate before a letter", #"{"a":"\ud83dA"}"#, .ambiguous(.loneSurrogate)),
        Case("a high surrogate in a name", #"{"\ud800":1}"#, .ambiguous(.loneSurrogate)),
    ]

    private static let numbers =
        [
            "01", "1.", "-", "1e", "1e+", "--1", "00", "-01", "1.e1", "1E", "0.",
        ].map { Case("the number \($0)", "{\"a\":\($0)}", .syntax(.badNumber)) }
        + [
            "+1", ".5", "0x10", "1_000", "1,5", "1 2",
        ].map { Case("the number \($0)", "{\"a\":\($0)}", .syntax(.unexpectedByte)) } + [
            Case("Infinity", #"{"a":Infinity}"#, .syntax(.unexpectedByte)),
            Case("NaN", #"{"a":NaN}"#, .syntax(.unexpectedByte)),
            Case("a number beyond doubles", #"{"a":1e999}"#, .ambiguous(.numberOutOfRange)),
        ]

    private static let encodings =
        [
            ("an overlong slash", [0xC0, 0xAF]), ("an overlong NUL", [0xC0, 0x80]), ("a continuation alone", [0x80]),
            ("a cut sequence", [0xE2, 0x82]), ("a surrogate in UTF-8", [0xED, 0xA0, 0x80]),
            ("beyond U+10FFFF", [0xF4, 0x90, 0x80, 0x80]), ("five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]),
            ("FF", [0xFF]), ("Latin-1", [0xE9]), ("an overlong euro sign", [0xF0, 0x82, 0x82, 0xAC]),
        ].map { name, bytes in
            Case("\(name) in a string", Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8), .syntax(.badUTF8))
        } + [
            Case("UTF-16", [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00], .syntax(.unexpectedByte)),
            Case(
                "bytes that are no UTF-8 in a name",
                Array("{\"".utf8) + [0xFF] + Array("\":1}".utf8),
                .syntax(.badUTF8)
            ),
        ]

    private static func nested(_ depth: Int) -> String {
        String(repeating: #"{"a":"#, count: depth - 1) + "{}" + String(repeating: "}", count: depth - 1)
    }

    /// More names than stay in the reader's table on the stack.
    private static func many(doubled: Bool) -> String {
        let names = (0..<500).map { "\"name \($0)\":\($0)" } + (doubled ? [#""name 250":0"#] : [])
        return "{\(names.joined(separator: ","))}"
    }
}
