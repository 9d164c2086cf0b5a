internal import HTTPTypes
internal import StrictJSON

/// `/openapi.json`: what there is, for whoever writes a client.
struct DescriptionRoutes: Sendable {
    private let document: [UInt8]

    /// The description of these operations and of itself.
    init(of operations: [Operation]) {
        let itself = Operation("GET", Self.path, for: .anonymous) { _ in .nothing }
        document = OpenAPIDocument(operations + [itself], descriptions: OperationDescription.all).json.bytes
    }

    private static let path = "/openapi.json"

    var operations: [Operation] {
        [
            Operation("GET", Self.path, for: .anonymous) { [document] _ in
                Answer(type: "application/json", bytes: document)
            }
        ]
    }
}
