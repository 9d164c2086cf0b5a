/// Text of a stranger in which every character is seen for what it is.
///
/// A description of a tool can contain what a model reads and a person does not see: characters without a width, marks that turn
/// the direction of writing, tags, letters that look like others. Each of them is written as `\u{200b}`.
package enum VisibleText {
    /// The text with everything spelled out that is not seen, or that looks like something else.
    package static func of(_ text: String) -> String {
        var visible = String.UnicodeScalarView()
        var word: [Unicode.Scalar] = []
        func endWord() {
            if word.isEmpty { return }
            append(word, to: &visible)
            word.removeAll(keepingCapacity: true)
        }
        for scalar in text.unicodeScalars {
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                word.append(scalar)
                continue
            }
            endWord()
            if isHidden(scalar) { spell(scalar, to: &visible) } else { visible.append(scalar) }
        }
        endWord()
        return String(visible)
    }

    private static func spell(_ scalar: Unicode.Scalar, to visible: inout String.UnicodeScalarView) {
        visible.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
    }

    /// A word of an alphabet whose letters look like Latin ones is spelled out where it could be read as Latin: beside
    /// Latin letters, or where each of its letters has a twin among them.
    private static func append(_ word: [Unicode.Scalar], to visible: inout String.UnicodeScalarView) {
        let isBesideLatin = word.contains { $0.isASCII && $0.properties.isAlphabetic }
        let isTwin = word.allSatisfy { twins.contains($0) || $0.isASCII } && !word.allSatisfy(\.isASCII)
        for scalar in word {
            let isForeign = alphabets.contains { $0.contains(scalar.value) }
            if isHidden(scalar) || isStyled(scalar) || isForeign && (isBesideLatin || isTwin) {
                spell(scalar, to: &visible)
            } else {
                visible.append(scalar)
            }
        }
    }

    /// Whether a character is not seen, or not seen for what it is.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        if scalar.properties.isDefaultIgnorableCodePoint { return true }
        // A pattern of Braille without dots.
        if scalar.value == 0x2800 { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned: return true
        case .spaceSeparator, .lineSeparator, .paragraphSeparator: return true
        default: return false
        }
    }

    /// Whether it is an ASCII character in another dress: full width, mathematical, encircled.
    private static func isStyled(_ scalar: Unicode.Scalar) -> Bool {
        styled.contains { $0.contains(scalar.value) }
    }

    private static let styled: [ClosedRange<UInt32>] = [
        0x2100...0x214F, 0x2160...0x217F, 0x2460...0x24FF, 0xFF01...0xFF5E, 0x1D400...0x1D7FF, 0x1F100...0x1F1AC,
        0x1FBF0...0x1FBF9,
    ]

    /// Greek, Coptic, Cyrillic, Armenian, Cherokee, Lisu, Deseret, and letters for phonetics.
    private static let alphabets: [ClosedRange<UInt32>] = [
        0x0250...0x02AF, 0x0370...0x03FF, 0x0400...0x058F, 0x13A0...0x13FF, 0x1C80...0x1C8F, 0x1D00...0x1DBF,
        0x1F00...0x1FFF, 0x2C80...0x2CFF, 0x2DE0...0x2DFF, 0xA4D0...0xA4FF, 0xA640...0xA69F, 0xAB30...0xABBF,
        0x10400...0x1044F,
    ]

    /// Letters of these that look like a Latin one.
    private static let twins = Set(
        ("аеорсухіјѕһԁԛԝӏ" + "АВЕЅЗІЈКМНОРСТУХҮԌԚԜ" + "οαικνρτυχωϲϳ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϿ" + "օսհոցզյԁ" + "ɡɑɩʀʏ")
            .unicodeScalars
    )
}
