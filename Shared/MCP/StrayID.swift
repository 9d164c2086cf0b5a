internal import StrictJSON

/// Looks for the id of a message that the strict reader has refused, so that the refusal can be told to the request.
///
/// It reads on for nothing but the `id` on top. Whatever else the message contains, and whatever is wrong with it, only
/// decides where that member is looked for.
enum StrayID {
    /// Where the literal of the id is; nil if the message has no id or two of them, or if the literal is not an id.
    static func find(in bytes: UnsafeBufferPointer<UInt8>) -> JSONSpan? {
        var reader = Reader(bytes: bytes)
        return reader.find()
    }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var position = 0

        mutating func find() -> JSONSpan? {
            if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
            guard take(UInt8(ascii: "{")) else { return nil }
            var found: JSONSpan?
            while let name = string(), take(UInt8(ascii: ":")) {
                skipSpace()
                let lower = position
                guard skipValue() else { break }
                if isID(name) {
                    guard found == nil else { return nil }
                    found = JSONSpan(lower, trimmed(lower, position))
                }
                guard take(UInt8(ascii: ",")) else { break }
            }
            return found.flatMap { RequestID($0, in: bytes) == nil ? nil : $0 }
        }

        /// Whether a name is `id`, however it is spelled.
        private func isID(_ name: JSONSpan) -> Bool {
            let text = bytes[name.range]
            guard text.contains(UInt8(ascii: "\\")) else { return text.elementsEqual(#""id""#.utf8) }
            let value = try? JSONValue(parsing: UnsafeBufferPointer(rebasing: text), topLevel: .anything)
            return value?.string == "id"
        }

        /// Moves over a value, which ends at a comma or at a bracket that it has not opened itself.
        private mutating func skipValue() -> Bool {
            var depth = 0
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    guard string() != nil else { return false }
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    guard depth > 0 else { return true }
                    depth -= 1
                case UInt8(ascii: ",") where depth == 0:
                    return true
                default:
                    break
                }
                position += 1
            }
            // What is cut off may have been longer.
            return false
        }

        /// Moves over a string; returns where it is, with its quotes.
        private mutating func string() -> JSONSpan? {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
            let lower = position
            position += 1
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    position += 1
                    return JSONSpan(lower, position)
                case UInt8(ascii: "\\"):
                    position += 2
                default:
                    position += 1
                }
            }
            return nil
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard position < bytes.count, bytes[position] == byte else { return false }
            position += 1
            return true
        }

        private mutating func skipSpace() {
            while position < bytes.count, isSpace(bytes[position]) { position += 1 }
        }

        private func trimmed(_ lower: Int, _ upper: Int) -> Int {
            var upper = upper
            while upper > lower, isSpace(bytes[upper - 1]) { upper -= 1 }
            return upper
        }

        private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
    }
}
