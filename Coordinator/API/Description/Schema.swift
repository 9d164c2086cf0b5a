internal import StrictJSON

/// What a document looks like: a JSON Schema (draft 2020-12), as OpenAPI 3.1 takes it.
struct Schema: Sendable {
    /// The schema, with references to those that have names.
    private(set) var json: JSONValue
    /// What it says itself, where it has a name.
    private var content: JSONValue
    /// Those that have names, and that this one leads to.
    private(set) var named: [JSONText: JSONValue] = [:]
    /// Whether an object has to have it, where it is a member of one.
    private(set) var isRequired = true

    private init(_ json: JSONValue, leadingTo others: [Schema] = []) {
        self.json = json
        content = json
        for other in others { named.merge(other.named) { one, _ in one } }
    }

    // MARK: Values

    /// Any document.
    static let any = Schema(.object([:]))
    static let boolean = Schema(["type": "boolean"])
    /// A time in UTC (RFC 3339).
    static let time = Schema(["type": "string", "format": "date-time"])
    static let email = Schema(["type": "string", "format": "email", "maxLength": 254])

    /// A text; `pattern` is a regular expression of ECMA-262 for the whole of it.
    static func text(_ pattern: String? = nil, longest: Int? = nil, shortest: Int? = nil) -> Schema {
        var object: JSONObject = ["type": "string"]
        object["pattern"] = pattern.map { .text("^\($0)$") }
        object["minLength"] = shortest.map { .int($0) }
        object["maxLength"] = longest.map { .int($0) }
        return Schema(.object(object))
    }

    /// Any text.
    static let text = text()
    /// Any text of a request: NUL has no place in it.
    static let words = text(#"[^\x00]*"#)

    /// Any text of a query: no control character has a place in it.
    static let field = text(#"[^\x00-\x1f\x7f]*"#)

    /// A whole number.
    static func integer(_ range: ClosedRange<Int>) -> Schema {
        Schema(["type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)])
    }

    /// A whole number, at least 0.
    static let count = Schema(["type": "integer", "minimum": 0])
    /// A whole number.
    static let integer = Schema(["type": "integer"])
    /// A number that need not be whole.
    static let number = Schema(["type": "number"])

    /// One of some words.
    static func word(_ words: [String]) -> Schema {
        Schema(["type": "string", "enum": .array(words.map { .text($0) })])
    }

    /// One of the words of a type.
    static func word<Word: RawRepresentable & CaseIterable>(_ type: Word.Type) -> Schema where Word.RawValue == String {
        word(type.allCases.map(\.rawValue))
    }

    // MARK: What is made of others

    static func array(_ items: Schema, atMost most: Int? = nil, atLeast least: Int? = nil) -> Schema {
        var object: JSONObject = ["type": "array", "items": items.json]
        object["minItems"] = least.map { .int($0) }
        object["maxItems"] = most.map { .int($0) }
        return Schema(.object(object), leadingTo: [items])
    }

    /// An object whose members are called as the caller likes.
    static func map(_ values: Schema) -> Schema {
        Schema(["type": "object", "additionalProperties": values.json], leadingTo: [values])
    }

    /// An object of a document that is answered: more members may come with a later release.
    static func object(_ members: KeyValuePairs<JSONText, Schema>) -> Schema {
        var object: JSONObject = ["type": "object"]
        var properties: JSONObject = [:]
        for (name, member) in members { properties[name] = member.json }
        object["properties"] = .object(properties)
        let required = members.filter { $0.value.isRequired }.map { JSONValue.string($0.key) }
        if !required.isEmpty { object["required"] = .array(required) }
        return Schema(.object(object), leadingTo: members.map(\.value))
    }

    /// An object of a request: another member is refused.
    static func closed(_ members: KeyValuePairs<JSONText, Schema>) -> Schema {
        var schema = object(members)
        var object = schema.json.object ?? [:]
        object["additionalProperties"] = false
        schema.json = .object(object)
        schema.content = schema.json
        return schema
    }

    /// The members of several objects in one.
    static func all(_ schemas: Schema...) -> Schema {
        var (properties, required) = (JSONObject(), [JSONValue]())
        for schema in schemas {
            for member in schema.content["properties"]?.object?.members ?? [] { properties[member.name] = member.value }
            required += schema.content["required"]?.array ?? []
        }
        let object: JSONObject = ["type": "object", "properties": .object(properties), "required": .array(required)]
        return Schema(.object(object), leadingTo: schemas)
    }

    /// A page of a list: the items, and the cursor of the next page.
    static func page(_ name: JSONText, _ items: Schema) -> Schema {
        object([name: array(items), "next": text.orNull.about("The cursor of the next page; null: there is none.")])
    }

    // MARK: The same otherwise

    /// A schema with a name, to which others refer.
    func named(_ name: JSONText) -> Schema {
        var schema = Schema(["$ref": .text("#/components/schemas/\(name)")], leadingTo: [self])
        schema.named[name] = json
        schema.content = content
        return schema
    }

    /// A member that may be missing.
    var optional: Schema {
        var schema = self
        schema.isRequired = false
        return schema
    }

    /// The same, or null.
    var orNull: Schema {
        var schema = Schema(["anyOf": .array([json, ["type": "null"]])], leadingTo: [self])
        schema.isRequired = isRequired
        return schema
    }

    /// The same with a sentence about it.
    func about(_ description: String) -> Schema {
        var schema = self
        var object = json.object ?? [:]
        object["description"] = .text(description)
        schema.json = .object(object)
        return schema
    }

    /// The same with more members of the keyword's own.
    func with(_ keyword: JSONText, _ value: JSONValue) -> Schema {
        var schema = self
        var object = json.object ?? [:]
        object[keyword] = value
        schema.json = .object(object)
        return schema
    }
}
