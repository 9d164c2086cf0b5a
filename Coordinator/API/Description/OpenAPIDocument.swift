internal import Bytes
internal import Contract
internal import StrictJSON

/// The description of the web API (OpenAPI 3.1): made of the table of operations, so that it names what there is and nothing
/// else, and of what is written about each.
struct OpenAPIDocument: Sendable {
    let json: JSONValue

    /// - Parameters:
    ///   - operations: Everything that is served; pages for people are left out.
    ///   - descriptions: By the operations' names.
    init(_ operations: [Operation], descriptions: [String: OperationDescription]) {
        var paths: [String: JSONObject] = [:]
        var named: [JSONText: JSONValue] = [:]
        for operation in operations {
            guard let description = descriptions[operation.name] else { continue }
            let item = OperationItem(operation, description)
            paths[operation.path, default: [:]][JSONText(operation.method.lowercased())] = item.json
            named.merge(item.named) { one, _ in one }
        }
        named.merge(Schema.problem.named) { one, _ in one }
        json = [
            "openapi": "3.1.0",
            "info": [
                "title": "Doorward coordinator", "version": .text(Release.version),
                "description": .text(Self.introduction), "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": "/"]],
            "paths": Self.object(paths.map { (JSONText($0.key), .object($0.value)) }),
            "components": [
                "schemas": Self.object(named.map { ($0.key, $0.value) }),
                "responses": [
                    "Problem": [
                        "description": "What went wrong, and what to do about it (RFC 9457).",
                        "content": [JSONText(Problem.mediaType): ["schema": Schema.problem.json]],
                    ]
                ],
                "securitySchemes": [
                    "token": [
                        "type": "http", "scheme": "bearer",
                        "description": "A token of `POST /v1/tokens`, with some of its maker's rights.",
                    ],
                    "machine": [
                        "type": "apiKey", "in": "header", "name": "Signature",
                        "description": "The signature of an enrolled machine (RFC 9421).",
                    ],
                    "session": [
                        "type": "apiKey", "in": "cookie", "name": "__Host-doorward",
                        "description": "The session of a browser that is signed in.",
                    ],
                ],
            ],
        ]
    }

    private static func object(_ members: [(JSONText, JSONValue)]) -> JSONValue {
        var object: JSONObject = [:]
        for (name, value) in members.sorted(by: { $0.0 < $1.0 }) { object[name] = value }
        return .object(object)
    }

    private static let introduction = """
        Every operation says in `x-doorward-role` who may use it: `anonymous`, `agent` (an enrolled machine, for itself), or the \
        lowest of the roles `member`, `auditor`, `editor`, `admin`, `owner`. Problems are `application/problem+json` with a \
        `next` that says what to do. Lists have pages: send `next` of one page as `cursor` to get the next. What can be changed \
        has an `ETag`; send it as `If-Match`, and nothing is changed that somebody has changed meanwhile. A `POST` that makes \
        something takes an `Idempotency-Key`: sent again with the same key and body within a day, it is answered as before.
        """
}

extension Schema {
    /// What is answered when something goes wrong.
    static let problem = object([
        "type": text, "title": text, "status": integer(400...599), "detail": text,
        "next": text.about("What to do about it.").optional,
    ]).named("Problem")
}
