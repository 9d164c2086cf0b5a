/// The canonical form of what is hashed and signed: RFC 8785 with everything left out that tools disagree about.
///
/// Values are objects, arrays, strings, booleans and integers up to 2^53 - 1; names are 1 to 32 of `a-z`, `0-9` and `_`,
/// sorted; no white space. So every value has one spelling, and any RFC 8785 tool writes the same.
extension JSONValue {
    /// The canonical spelling of this value.
    ///
    /// - Throws: `notCanonical` if it has none, `tooDeep` beyond 64 levels.
    package func canonicalBytes() throws(JSONError) -> [UInt8] {
        var output: [UInt8] = []
        try writeCanonical(to: &output, depth: 1)
        return output
    }

    /// Reads bytes that must be the canonical spelling of an object.
    ///
    /// - Throws: as for parsing, and `notCanonical` if writing the value again gives other bytes.
    package init(canonical bytes: [UInt8], limits: JSONLimits = .record) throws(JSONError) {
        let value = try JSONValue(parsing: bytes, limits: limits)
        let canonical = try value.canonicalBytes()
        guard canonical == bytes else {
            let offset = zip(canonical, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            throw .ambiguous(.notCanonical(.spelling), at: offset ?? min(canonical.count, bytes.count))
        }
        self = value
    }

    private func writeCanonical(to output: inout [UInt8], depth: Int) throws(JSONError) {
        switch self {
        case .null:
            throw .ambiguous(.notCanonical(.null), at: 0)
        case .bool, .string:
            write(to: &output)
        case .number(let number):
            guard let value = number.int else { throw .ambiguous(.notCanonical(.notInteger), at: 0) }
            guard value.magnitude <= 1 << 53 - 1 else { throw .ambiguous(.notCanonical(.integerOutOfRange), at: 0) }
            output.append(contentsOf: number.literal)
        case .array(let elements):
            guard depth <= JSONLimits.message.maxDepth else { throw .ambiguous(.tooDeep, at: 0) }
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                try element.writeCanonical(to: &output, depth: depth + 1)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            guard depth <= JSONLimits.message.maxDepth else { throw .ambiguous(.tooDeep, at: 0) }
            output.append(UInt8(ascii: "{"))
            for (index, member) in object.sortedMembers.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                guard Self.isCanonicalName(member.name) else { throw .ambiguous(.notCanonical(.badName), at: 0) }
                JSONWriting.string(member.name.utf8, to: &output)
                output.append(UInt8(ascii: ":"))
                try member.value.writeCanonical(to: &output, depth: depth + 1)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func isCanonicalName(_ name: JSONText) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
