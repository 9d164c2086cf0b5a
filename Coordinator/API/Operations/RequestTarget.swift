internal import Contract

/// The target of a request line, exactly as it was sent: signatures cover these characters and no reading of them.
struct RequestTarget: Equatable, Sendable {
    let path: String
    /// What follows the question mark; empty without one.
    let query: String

    /// - Throws: a `Problem` unless it is a path (RFC 9112 section 3.2.1) of printable ASCII with at most one query.
    init(_ target: String) throws {
        guard target.utf8.first == UInt8(ascii: "/"), target.utf8.count <= 2048,
            target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { throw Problem.badTarget }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = parts.count > 1 ? String(parts[1]) : ""
    }

    /// The fields of the query, each once.
    ///
    /// - Parameters:
    ///   - known: the names that mean something.
    ///   - isOpen: whether other names are passed over.
    /// - Returns: the decoded values by name.
    /// - Throws: a `Problem` for a name that is unknown or occurs twice, and for a value that cannot be decoded.
    func fields(_ known: Set<String>, isOpen: Bool = false) throws -> [String: String] {
        var fields: [String: String] = [:]
        guard !query.isEmpty else { return fields }
        for part in query.split(separator: "&", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(pair[0])
            if isOpen, !known.contains(name) { continue }
            guard known.contains(name) else { throw Problem.badQuery("has a field that is not known here") }
            guard pair.count == 2, let value = PercentCoding.decodeValue(pair[1]) else {
                throw Problem.badQuery("has a field \(name) without a readable value")
            }
            guard fields.updateValue(value, forKey: name) == nil else {
                throw Problem.badQuery("has the field \(name) twice")
            }
        }
        return fields
    }

    /// A whole number from 0 on in a path; throws a `Problem` for anything else, as for a path that leads nowhere.
    static func number(_ segment: String) throws -> Int {
        guard segment.utf8.count <= 15, let number = Int(segment), number >= 0, String(number) == segment else {
            throw Problem.noSuchPath
        }
        return number
    }

    /// The values of fields that are whole numbers from 0 on.
    static func numbers(of fields: [String: String]) throws -> [String: Int] {
        try Dictionary(
            uniqueKeysWithValues: fields.map { name, text in
                guard text.utf8.count <= 15, let number = Int(text), number >= 0, String(number) == text else {
                    throw Problem.badQuery("needs a whole number for \(name)")
                }
                return (name, number)
            }
        )
    }
}
