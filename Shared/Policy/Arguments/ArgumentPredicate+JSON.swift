internal import StrictJSON

extension ArgumentPredicate {
    /// The condition as it is signed: `{"at": "/owner", "in": ["acme"]}`.
    var json: JSONValue {
        var object: JSONObject = ["at": .string(pointer.text)]
        object[condition.name] = condition.value
        return .object(object)
    }

    /// The condition in canonical JSON: what it is named by in records.
    package var canonical: [UInt8] { (try? json.canonicalBytes()) ?? json.bytes }

    /// What it costs to judge, in comparisons of names.
    package var weight: Int { condition.weight }

    /// Reads a condition as it is signed; throws `ShapeError`.
    init(signed json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            let pointer = try ArgumentPointer(try reader.identifier("at"), at: reader.path("at"))
            let conditions = try Condition.all(&reader)
            guard conditions.count == 1, let condition = conditions.first else {
                throw ShapeError(place, "must have one condition")
            }
            return ArgumentPredicate(pointer: pointer, condition: condition)
        }
    }

    /// Reads `args` as a file has them, with any number of conditions for each pointer; throws `ShapeError`.
    static func list(ofFile members: [(name: JSONText, element: ObjectReader.Element)]) throws -> [ArgumentPredicate] {
        try members.flatMap { name, element in
            let pointer = try ArgumentPointer(name, at: element.place)
            let conditions = try ObjectReader.read(element.value, at: element.place, Condition.all)
            guard !conditions.isEmpty else {
                throw ShapeError(element.place, "must have a condition: \(Condition.words)")
            }
            return conditions.map { ArgumentPredicate(pointer: pointer, condition: $0) }
        }
    }

    /// The same conditions as a file has them.
    static func file(_ predicates: [ArgumentPredicate]) -> JSONValue {
        var object = JSONObject()
        for predicate in predicates {
            var conditions = object[predicate.pointer.text]?.object ?? JSONObject()
            conditions[predicate.condition.name] = predicate.condition.value
            object[predicate.pointer.text] = .object(conditions)
        }
        return .object(object)
    }
}

extension ArgumentPredicate.Condition {
    static let words = "eq, in, int_range, max_len, present, absent, url_host_in or path_under"

    /// The member that says it.
    var name: JSONText {
        switch self {
        case .equals: "eq"
        case .oneOf: "in"
        case .within: "int_range"
        case .atMost: "max_len"
        case .present: "present"
        case .absent: "absent"
        case .hostIn: "url_host_in"
        case .under: "path_under"
        }
    }

    var value: JSONValue {
        switch self {
        case .equals(let scalar): scalar.json
        case .oneOf(let scalars): .array(scalars.map(\.json))
        case .within(let range): [.int(range.lowerBound), .int(range.upperBound)]
        case .atMost(let count): .int(count)
        case .present, .absent: true
        case .hostIn(let hosts): .array(hosts.map(\.json))
        case .under(let folder): .string(folder.text)
        }
    }

    /// What it costs to compare, in comparisons of names.
    fileprivate var weight: Int {
        switch self {
        case .oneOf(let scalars): scalars.count
        case .hostIn(let hosts): hosts.count
        default: 1
        }
    }

    /// All conditions among the members of an object.
    fileprivate static func all(_ reader: inout ObjectReader) throws -> [Self] {
        var found: [Self] = []
        if let value = reader.optional("eq") { found.append(.equals(try ArgumentScalar(value, at: reader.path("eq")))) }
        if let list = try values("in", &reader) {
            found.append(.oneOf(try list.map { try ArgumentScalar($0.value, at: $0.place) }))
        }
        if let bounds = try reader.optionalElements("int_range") {
            let numbers = try bounds.map { try ObjectReader.int($0.value, in: ArgumentScalar.integers, at: $0.place) }
            guard numbers.count == 2, numbers[0] <= numbers[1] else {
                throw ShapeError(
                    reader.path("int_range"),
                    "must be the least and the greatest number, such as [1, 100]"
                )
            }
            found.append(.within(numbers[0]...numbers[1]))
        }
        if let most = try reader.optionalInt("max_len", in: 0...1 << 30) { found.append(.atMost(most)) }
        if try isSaid("present", &reader) { found.append(.present) }
        if try isSaid("absent", &reader) { found.append(.absent) }
        if let list = try values("url_host_in", &reader) {
            found.append(.hostIn(try list.map { try HostPattern($0.value, at: $0.place) }))
        }
        if let value = reader.optional("path_under") {
            found.append(.under(try FolderPath(value, at: reader.path("path_under"))))
        }
        return found
    }

    private static func isSaid(_ name: JSONText, _ reader: inout ObjectReader) throws(ShapeError) -> Bool {
        guard let value = try reader.optionalBool(name) else { return false }
        guard value else { throw ShapeError(reader.path(name), "must be true: leave it out, or say the contrary") }
        return true
    }

    private static func values(
        _ name: JSONText,
        _ reader: inout ObjectReader
    ) throws(ShapeError) -> [ObjectReader.Element]? {
        guard let elements = try reader.optionalElements(name) else { return nil }
        guard (1...ArgumentPredicate.mostValues).contains(elements.count) else {
            throw ShapeError(reader.path(name), "must list 1 to \(ArgumentPredicate.mostValues) values")
        }
        return elements
    }
}
