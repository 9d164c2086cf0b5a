package import StrictJSON

/// What a call has to meet beside being allowed.
///
/// Obligations only ever add up: of two rules that demand something, both are met.
package struct Obligations: Hashable, Sendable {
    /// The coordinator countersigns the record of the beginning before a byte leaves.
    package var isAuditStrict = false
    /// Where the machine may keep its key, in the words of `custody`; nil: anywhere.
    package var keyProtection: Set<JSONText>?
    /// For how many seconds at most the coordinator was not heard of; nil: however long.
    package var onlineWithin: Int?
    /// For how many seconds at most the person has not signed in; nil: however long.
    package var recentLogin: Int?

    /// Nothing to meet.
    package static let none = Obligations()

    package init() {}

    /// Whether there is nothing to meet.
    package var isEmpty: Bool { self == .none }

    /// Demands what the other demands too.
    package mutating func formUnion(_ other: Obligations) {
        isAuditStrict = isAuditStrict || other.isAuditStrict
        keyProtection = Self.narrower(keyProtection, other.keyProtection)
        onlineWithin = Self.least(onlineWithin, other.onlineWithin)
        recentLogin = Self.least(recentLogin, other.recentLogin)
    }

    /// Whether whoever meets these meets the others.
    package func covers(_ others: Obligations) -> Bool {
        var union = self
        union.formUnion(others)
        return union == self
    }

    private static func narrower(_ one: Set<JSONText>?, _ other: Set<JSONText>?) -> Set<JSONText>? {
        guard let one, let other else { return one ?? other }
        return one.intersection(other)
    }

    private static func least(_ one: Int?, _ other: Int?) -> Int? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }
}

extension Obligations {
    init(members reader: inout ObjectReader) throws {
        self.init()
        isAuditStrict = try reader.optionalWord("audit", Audit.self) != nil
        keyProtection = try Self.words("key_protection", &reader)
        onlineWithin = try Self.seconds("online_within", &reader)
        recentLogin = try Self.seconds("recent_login", &reader)
        guard !isEmpty else {
            throw ShapeError(
                reader.place,
                "must demand something: audit, key_protection, online_within or recent_login"
            )
        }
    }

    func write(to object: inout JSONObject) {
        if isAuditStrict { object["audit"] = .text(Audit.strict.rawValue) }
        object["key_protection"] = keyProtection.map { .array($0.sorted().map(JSONValue.string)) }
        object["online_within"] = onlineWithin.map { .text(Self.text($0)) }
        object["recent_login"] = recentLogin.map { .text(Self.text($0)) }
    }

    /// The obligations with the members that a rule has for them.
    package var json: JSONValue {
        var object = JSONObject()
        write(to: &object)
        return .object(object)
    }

    private enum Audit: String, CaseIterable {
        case strict
    }

    /// One word, or several.
    private static func words(_ name: JSONText, _ reader: inout ObjectReader) throws -> Set<JSONText>? {
        guard let value = reader.optional(name) else { return nil }
        let place = reader.path(name)
        guard case .array(let values) = value else { return [try word(value, at: place)] }
        guard !values.isEmpty else { throw ShapeError(place, "must not be empty: leave it out, or name something") }
        return Set(try values.enumerated().map { try word($0.element, at: "\(place)/\($0.offset)") })
    }

    private static func word(_ value: JSONValue, at place: String) throws(ShapeError) -> JSONText {
        let text = try ObjectReader.identifier(value, at: place)
        guard text.utf8.count <= 64, text.utf8.allSatisfy(isWordByte) else {
            throw ShapeError(place, "must be a word such as keyring: what `doorward status` shows as custody")
        }
        return text
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    // MARK: Times

    /// A poll is held for so long: with less, a machine that is connected would not count as such.
    private static let shortest = 60
    private static let longest = 30 * 86_400
    private static let units: [(letter: Character, seconds: Int)] = [("d", 86_400), ("h", 3600), ("m", 60)]

    private static func seconds(_ name: JSONText, _ reader: inout ObjectReader) throws(ShapeError) -> Int? {
        guard let text = try reader.optionalText(name) else { return nil }
        guard let unit = units.first(where: { $0.letter == text.last }), let count = Int(text.dropLast()),
            String(count) == text.dropLast(), (1...100_000).contains(count),
            (shortest...longest).contains(count * unit.seconds)
        else { throw ShapeError(reader.path(name), "must be from 1m to 30d, such as 30m, 1h or 7d") }
        return count * unit.seconds
    }

    /// In the largest unit of which it is a whole number.
    private static func text(_ seconds: Int) -> String {
        let unit = units.first { seconds.isMultiple(of: $0.seconds) } ?? ("m", 60)
        return "\(seconds / unit.seconds)\(unit.letter)"
    }
}
