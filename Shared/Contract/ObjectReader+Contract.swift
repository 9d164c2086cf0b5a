internal import Bytes
internal import StrictJSON

extension ObjectReader {
    /// Base64url of exactly so many bytes.
    mutating func bytes(_ name: JSONText, count: Int) throws(ShapeError) -> [UInt8] {
        guard let bytes = Base64.decodeURL(try text(name).utf8), bytes.count == count else {
            throw ShapeError(path(name), "must be base64url of \(count) bytes")
        }
        return bytes
    }

    /// A list of SHA-256 hashes; 64 of them prove a leaf in any tree there can be.
    mutating func hashes(_ name: JSONText) throws(ShapeError) -> [[UInt8]] {
        let elements = try elements(name)
        guard elements.count <= 64 else { throw ShapeError(path(name), "has too many hashes") }
        var hashes: [[UInt8]] = []
        for element in elements {
            guard let hash = element.value.text.flatMap({ Base64.decodeURL($0.utf8) }), hash.count == 32 else {
                throw ShapeError(element.place, "must be base64url of 32 bytes")
            }
            hashes.append(hash)
        }
        return hashes
    }

    /// Printable ASCII without blanks at the ends, for what people or logs are shown.
    mutating func label(_ name: JSONText, longest: Int) throws(ShapeError) -> String {
        let text = try text(name)
        let bytes = text.utf8
        guard (1...longest).contains(bytes.count), bytes.allSatisfy({ (0x20...0x7E).contains($0) }),
            bytes.first != 0x20,
            bytes.last != 0x20
        else { throw ShapeError(path(name), "must be 1 to \(longest) printable ASCII characters") }
        return text
    }

    /// An agent's id: `a-` and 16 of `a-z` and `2-7`.
    mutating func agentID(_ name: JSONText) throws(ShapeError) -> String {
        let text = try text(name)
        guard AgentID.isValid(text) else { throw ShapeError(path(name), "must be an agent's id") }
        return text
    }

    /// A time in the fixed-width form.
    mutating func time(_ name: JSONText) throws(ShapeError) -> UTCTime {
        let text = try text(name)
        guard let time = UTCTime(text), time.text.utf8.elementsEqual(text.utf8) else {
            throw ShapeError(path(name), "must be a time like 2026-11-22T11:35:50.123456Z")
        }
        return time
    }

    /// `v` and `kind` of a signed document.
    mutating func header(kind: String) throws(ShapeError) {
        guard try int("v") == 1 else { throw ShapeError(path("v"), "must be 1") }
        guard try text("kind").utf8.elementsEqual(kind.utf8) else { throw ShapeError(path("kind"), "must be \(kind)") }
    }
}
