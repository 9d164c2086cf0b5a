internal import CYaml
internal import StrictJSON

/// Puts the events of one document together to a tree, without calling itself.
struct YAMLComposer {
    /// A list or map that is not closed yet.
    private enum Open {
        case list([JSONValue])
        /// `name` is the one whose value comes next.
        case map(members: [JSONObject.Member], names: Set<JSONText>, name: JSONText?)
    }

    private let maxDepth: Int
    private var open: [Open] = []
    private var root: JSONValue?

    init(maxDepth: Int) {
        self.maxDepth = maxDepth
    }

    mutating func document(_ bytes: [UInt8]) throws(YAMLError) -> JSONValue {
        var documents = 0
        var isOver = false
        // Taken out, since a closure of the parser's cannot change `self`.
        var composer = self
        try YAMLParser.over(bytes) { parser throws(YAMLError) in
            while !isOver {
                try parser.withEvent { event throws(YAMLError) in
                    switch event.type {
                    case YAML_STREAM_END_EVENT: isOver = true
                    case YAML_DOCUMENT_START_EVENT:
                        documents += 1
                        if documents > 1 { throw YAMLError(.severalDocuments, at: event.start_mark) }
                    case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: break
                    default: try composer.take(event)
                    }
                }
            }
        }
        return composer.root ?? .null
    }

    private mutating func take(_ event: yaml_event_t) throws(YAMLError) {
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = YAMLScalar(event)
            if case .map(let members, var names, nil) = open.last {
                // Taken off before it is changed, so that nothing is copied.
                open.removeLast()
                let name = try scalar.name()
                guard names.insert(name).inserted else { throw YAMLError(.duplicateName, at: event.start_mark) }
                open.append(.map(members: members, names: names, name: name))
            } else {
                add(scalar.value)
            }
        case YAML_SEQUENCE_START_EVENT: try begin(.list([]), at: event.start_mark)
        case YAML_MAPPING_START_EVENT:
            try begin(.map(members: [], names: [], name: nil), at: event.start_mark)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            switch open.removeLast() {
            case .list(let elements): add(.array(elements))
            case .map(let members, _, _): add(.object(JSONObject(unique: members)))
            }
        default:
            // An alias, which the tokens have shown already, or what this libyaml does not have.
            throw YAMLError(.alias, at: event.start_mark)
        }
    }

    private mutating func begin(_ value: Open, at mark: yaml_mark_t) throws(YAMLError) {
        if case .map(_, _, nil) = open.last { throw YAMLError(.nameNotText, at: mark) }
        if open.count >= maxDepth { throw YAMLError(.tooDeep, at: mark) }
        open.append(value)
    }

    private mutating func add(_ value: JSONValue) {
        switch open.popLast() {
        case nil: root = value
        case .list(var elements):
            elements.append(value)
            open.append(.list(elements))
        case .map(var members, let names, let name):
            if let name { members.append(JSONObject.Member(name, value)) }
            open.append(.map(members: members, names: names, name: nil))
        }
    }
}
