package import StrictJSON

/// Where in the arguments of a call a condition looks: a JSON pointer (RFC 6901) whose names are ASCII.
///
/// Other names have several spellings that servers take for one (upper case, composed letters), so a rule about one of
/// them could be passed by another.
package struct ArgumentPointer: Hashable, Sendable {
    /// The pointer as it is written: `/owner`, `/files/0/path`.
    package let text: JSONText
    /// The names on the way, unescaped; an index of an array is a name of digits.
    let names: [[UInt8]]

    /// How many names a pointer may have, and how many bytes.
    package static let deepest = 8
    package static let longest = 256

    /// Reads a pointer; throws where it is none, or is one that no rule may have.
    package init(_ text: JSONText, at place: String) throws(ShapeError) {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= Self.longest else {
            throw ShapeError(place, "must be a JSON pointer of at most \(Self.longest) bytes, such as /owner")
        }
        let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= Self.deepest, parts.allSatisfy({ !$0.isEmpty }) else {
            throw ShapeError(place, "must have 1 to \(Self.deepest) names, none of them empty")
        }
        self.text = text
        names = try parts.map { part throws(ShapeError) in
            guard part.allSatisfy({ (0x20..<0x7F).contains($0) }), let name = Self.unescaped(part) else {
                throw ShapeError(place, "must have names of printable ASCII, with ~0 for ~ and ~1 for /")
            }
            return name
        }
    }

    private static func unescaped(_ part: ArraySlice<UInt8>) -> [UInt8]? {
        var name: [UInt8] = []
        var rest = part
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "~") else {
                name.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "0"): name.append(UInt8(ascii: "~"))
            case UInt8(ascii: "1"): name.append(UInt8(ascii: "/"))
            default: return nil
            }
        }
        return name
    }
}
