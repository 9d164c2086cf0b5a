/// Checks of single values, for elements of lists as well.
extension ObjectReader {
    /// A string without NUL.
    package static func text(_ value: JSONValue, at place: String) throws(ShapeError) -> JSONText {
        guard case .string(let text) = value else {
            throw ShapeError(place, "must be a string, and is \(value.kindName)")
        }
        if text.utf8.contains(0) { throw ShapeError(place, "must not contain NUL") }
        return text
    }

    /// A string that is compared as bytes: not empty, no control character.
    package static func identifier(_ value: JSONValue, at place: String) throws(ShapeError) -> JSONText {
        let text = try text(value, at: place)
        if text.utf8.isEmpty { throw ShapeError(place, "must not be empty") }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw ShapeError(place, "must not contain control characters")
        }
        return text
    }

    /// One word of a closed list.
    package static func word<Word: RawRepresentable & CaseIterable>(
        _ value: JSONValue,
        at place: String
    ) throws(ShapeError) -> Word where Word.RawValue == String {
        let text = try text(value, at: place)
        for word in Word.allCases where JSONText(word.rawValue) == text {
            return word
        }
        throw ShapeError(place, "must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// An integer within a range.
    package static func int(
        _ value: JSONValue,
        in range: ClosedRange<Int>,
        at place: String
    ) throws(ShapeError) -> Int {
        guard let int = value.int else { throw ShapeError(place, "must be a whole number, and is \(value.kindName)") }
        guard range.contains(int) else {
            let bounds =
                range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw ShapeError(place, "must be \(bounds)")
        }
        return int
    }
}
