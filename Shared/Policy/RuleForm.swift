internal import StrictJSON

/// In which of their two forms rules are read and written.
package enum RuleForm {
    /// As people write them: people by their addresses, conditions on arguments with the rule.
    case file
    /// As they are signed: people by pseudonyms, and conditions by their numbers in one list, since names in canonical
    /// JSON are words and a bundle is not deep.
    case signed([ArgumentPredicate])

    /// The member that names a person.
    var person: JSONText {
        switch self {
        case .file: "user"
        case .signed: "sub"
        }
    }

    /// Reads the member `args` of a rule; empty where there is none.
    func arguments(_ reader: inout ObjectReader) throws -> [ArgumentPredicate] {
        switch self {
        case .file:
            guard let members = try reader.optionalMap("args") else { return [] }
            guard !members.isEmpty else { throw ShapeError(reader.path("args"), "must not be empty: leave it out") }
            return try ArgumentPredicate.list(ofFile: members)
        case .signed(let all):
            guard let numbers = try reader.optionalElements("args") else { return [] }
            guard !numbers.isEmpty else { throw ShapeError(reader.path("args"), "must not be empty") }
            return try numbers.map { number in
                let index = try ObjectReader.int(number.value, in: 0...ArgumentPredicate.most, at: number.place)
                guard index < all.count else { throw ShapeError(number.place, "is the number of no condition") }
                return all[index]
            }
        }
    }

    /// Writes the member `args` of a rule.
    func write(_ arguments: [ArgumentPredicate], to object: inout JSONObject) {
        guard !arguments.isEmpty else { return }
        switch self {
        case .file:
            object["args"] = ArgumentPredicate.file(arguments)
        case .signed(let all):
            object["args"] = .array(arguments.compactMap { all.firstIndex(of: $0).map { .int($0) } })
        }
    }
}
