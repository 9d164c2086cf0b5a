package import StrictJSON
internal import TransparencyLog

/// A condition on the arguments of a call, as records name it together with what came of it.
///
/// Records hold no arguments. With what came of each condition, though, a policy that has the same ones can be tried on what
/// is on record.
package enum RecordedCondition {
    /// What came of it.
    package enum Result: String, Sendable, CaseIterable {
        case holds = "1"
        case fails = "0"
        /// The value was missing, of another type, or had two readings.
        case unknown = "u"
    }

    /// The name of a condition: the first 12 characters of the base64url of the SHA-256 of its canonical JSON.
    package static func name(of canonical: [UInt8]) -> JSONText {
        JSONText(utf8: Array(Hash.of(canonical).base64URL.utf8.prefix(12)))
    }

    /// The name and what came of it, of such a word; nil for a word that is none.
    package static func parts(of word: JSONText) -> (name: JSONText, result: Result)? {
        guard let colon = word.utf8.lastIndex(of: UInt8(ascii: ":")),
            let result = Result(rawValue: String(decoding: word.utf8[(colon + 1)...], as: UTF8.self))
        else { return nil }
        return (JSONText(utf8: word.utf8[..<colon]), result)
    }

    /// The word for it: `NAME:1`, `NAME:0` or `NAME:u`.
    package static func word(_ name: JSONText, _ result: Result) -> JSONText {
        JSONText(utf8: name.utf8 + Array(":\(result.rawValue)".utf8))
    }
}
