import StrictJSON

@testable import Policy

/// Conditions on arguments as a reader of the documentation would judge them by hand, on the whole value at once.
enum ConditionOracle {
    static func truth(_ predicate: ArgumentPredicate, _ arguments: JSONValue?) -> Truth {
        var place: JSONValue? = arguments ?? .object(JSONObject())
        for name in predicate.pointer.text.string.split(separator: "/").map(String.init) {
            switch place {
            case .object(let object)?:
                // The Kelvin sign is a k to some readers.
                let folded = { (text: JSONText) in text.string.replacing("\u{212A}", with: "k").lowercased() }
                if object.members.contains(where: { $0.name != JSONText(name) && folded($0.name) == name }) {
                    return .unknown
                }
                place = object[JSONText(name)]
            case .array(let elements)?:
                guard let index = Int(name) else { return .unknown }
                place = elements.indices.contains(index) ? Optional(elements[index]) : Optional<JSONValue>.none
            case nil: break
            default: return .unknown
            }
        }
        return judge(predicate.condition.name.string, predicate.condition.value, place)
    }

    private static func judge(_ name: String, _ wanted: JSONValue, _ value: JSONValue?) -> Truth {
        guard let value else { return name == "present" ? .fails : name == "absent" ? .holds : .unknown }
        if case .null = value { return .unknown }
        switch name {
        case "present": return .holds
        case "absent": return .fails
        case "eq": return equal([wanted], value)
        case "in": return equal(wanted.array ?? [], value)
        case "int_range":
            guard let number = value.int, abs(number) < 1 << 53 else { return .unknown }
            let bounds = (wanted.array ?? []).compactMap(\.int)
            return bounds[0] <= number && number <= bounds[1] ? .holds : .fails
        case "max_len":
            guard let length = value.array?.count ?? value.text?.utf8.count else { return .unknown }
            return length <= wanted.int ?? 0 ? .holds : .fails
        case "url_host_in":
            let hosts = ["https://a.b/": "a.b", "https://b/": "b", "http://[::1]/": "[::1]"]
            guard let host = hosts[value.text ?? ""] else { return .unknown }
            let names = (wanted.array ?? []).compactMap(\.text)
            if names.contains(host) || names.contains("*.b") && host == "a.b" { return .holds }
            return host == "[::1]" ? .unknown : .fails
        default:
            let paths: [String: [String: Truth]] = [
                "/srv/x": ["/srv": .holds, "/": .holds], "/srvx": ["/srv": .fails, "/": .holds],
                "srv": ["srv": .holds], "/srv/%78": ["/srv": .holds, "/": .holds], "x": ["srv": .fails],
                "X": ["srv": .fails], "xy": ["srv": .fails],
            ]
            return paths[value.text ?? ""]?[wanted.text ?? ""] ?? .unknown
        }
    }

    private static func equal(_ wanted: [JSONValue], _ value: JSONValue) -> Truth {
        if case .number = value, value.int.map({ abs($0) < 1 << 53 }) != true { return .unknown }
        let alike = wanted.filter { $0.kindName == value.kindName }
        return alike.isEmpty ? .unknown : alike.contains(value) ? .holds : .fails
    }
}
