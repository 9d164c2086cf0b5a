internal import StrictJSON

/// Text from other programs in a sentence of the verifier's.
enum PlainLine {
    /// The text without the characters that a terminal would act on: an unprintable one becomes a question mark.
    static func of(_ text: JSONText) -> String {
        String(
            String.UnicodeScalarView(
                String(decoding: text.utf8, as: UTF8.self).unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                        "?"
                    default: scalar
                    }
                }
            )
        )
    }
}
