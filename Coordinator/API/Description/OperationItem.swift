internal import StrictJSON

/// One operation as OpenAPI writes it.
struct OperationItem {
    let json: JSONValue
    /// The schemas with names that it leads to.
    private(set) var named: [JSONText: JSONValue] = [:]

    init(_ operation: Operation, _ description: OperationDescription) {
        var schemas: [Schema] = []
        var object: JSONObject = [
            "operationId": .text(Self.id(operation)), "summary": .text(description.summary),
            "tags": [.text(Self.tag(operation))], "x-doorward-role": .text(operation.access.word),
            "security": description.isSigned ? [["machine": []]] : Self.security(operation.access),
        ]
        let parameters = Self.parameters(operation, description, &schemas)
        if !parameters.isEmpty { object["parameters"] = .array(parameters) }
        if let content = Self.content(description.body, &schemas) {
            // A file may be empty; what is wrong with it is said then.
            let isDocument = if case .json = description.body { true } else { false }
            object["requestBody"] = ["required": .bool(isDocument), "content": content]
        }
        var responses: JSONObject = [:]
        for (status, answer) in description.answers.sorted(by: { $0.key < $1.key }) {
            var response: JSONObject = ["description": .text(Self.phrase(status))]
            response["content"] = Self.content(answer, &schemas)
            responses[JSONText("\(status)")] = .object(response)
        }
        responses["default"] = ["$ref": "#/components/responses/Problem"]
        object["responses"] = .object(responses)
        json = .object(object)
        for schema in schemas { named.merge(schema.named) { one, _ in one } }
    }

    /// `get_users_id` for `GET /v1/users/{id}`.
    private static func id(_ operation: Operation) -> String {
        let words = operation.path.split { "/{}".contains($0) }.filter { $0 != "v1" }
        return ([operation.method.lowercased()] + words.map(String.init)).joined(separator: "_")
            .map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    /// What the operation is about: the first segment behind the version.
    private static func tag(_ operation: Operation) -> String {
        let segments = operation.path.split(separator: "/").map(String.init)
        return segments.first { !["v1", "v0.1"].contains($0) } ?? "coordinator"
    }

    private static func security(_ access: Access) -> JSONValue {
        switch access {
        case .agent: [["machine": []]]
        case .browser: [["session": []]]
        case .right: [["token": []], ["machine": []], ["session": []]]
        default: []
        }
    }

    private static func parameters(
        _ operation: Operation,
        _ description: OperationDescription,
        _ schemas: inout [Schema]
    ) -> [JSONValue] {
        var parameters: [JSONValue] = []
        func add(_ name: String, _ place: JSONText, _ schema: Schema, isRequired: Bool) {
            schemas.append(schema)
            parameters.append([
                "name": .text(name), "in": .string(place), "required": .bool(isRequired), "schema": schema.json,
            ])
        }
        for segment in operation.path.split(separator: "/") where segment.hasPrefix("{") {
            let name = String(segment.dropFirst().dropLast())
            add(name, "path", description.path[name] ?? .segment, isRequired: true)
        }
        for (name, schema) in description.query.sorted(by: { $0.key < $1.key }) {
            add(name, "query", schema, isRequired: false)
        }
        for (name, schema) in description.headers.sorted(by: { $0.key < $1.key }) {
            add(name, "header", schema, isRequired: false)
        }
        switch description.matching {
        case .never: break
        case .possible: add("If-Match", "header", .entityTags, isRequired: false)
        case .needed: add("If-Match", "header", .entityTags, isRequired: true)
        }
        if operation.isMaking {
            let key = Schema.text("[!#-~]{16,128}").about(
                "Sent again with the same key, the request makes nothing more."
            )
            add("Idempotency-Key", "header", key, isRequired: false)
        }
        return parameters
    }

    private static func content(_ content: OperationDescription.Content, _ schemas: inout [Schema]) -> JSONValue? {
        switch content {
        case .nothing: return nil
        case .json(let schema), .optional(let schema):
            schemas.append(schema)
            return ["application/json": ["schema": schema.json]]
        case .bytes(let types):
            var object: JSONObject = [:]
            for type in types { object[JSONText(type)] = .object([:]) }
            return .object(object)
        }
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 201: "It was made."
        case 204: "There is nothing to say."
        case 304: "What the caller has is still so."
        default: "What was asked for."
        }
    }
}

extension Schema {
    /// A variable segment of a path: neither empty nor with a slash or a control character in it.
    static let segment = text(#"[^/\x00-\x1f\x7f]+"#, longest: 500)
    static let entityTags = text(#"\*|(W/)?"[ !#-~]*"(,(W/)?"[ !#-~]*")*"#).about("`ETag` of the state that was seen.")
}
