package import StrictJSON

/// Why bytes are not a message that may pass, as the answer that JSON-RPC has for it.
package struct EnvelopeError: Error, Hashable, Sendable {
    /// What is wrong with a document that is JSON and not a message.
    package enum Fault: Hashable, Sendable {
        case unknownMember, version, id, method, params, meta, mixed, neither, missingID, unwantedID
        case item, controlInName, result, error
    }

    /// -32700 for what is not JSON, -32600 for what is ambiguous or no message, -32602 for a missing item.
    package let code: JSONRPCErrorCode
    /// One sentence, safe to show.
    package let message: String
    /// The literal of the request's id, where it can be told.
    package let id: JSONSpan?

    init(_ error: JSONError, id: JSONSpan? = nil) {
        code = error.isAmbiguous ? .invalidRequest : .parseError
        message = error.description
        self.id = id
    }

    /// The same for the request of this id.
    init(_ error: EnvelopeError, id: JSONSpan?) {
        code = error.code
        message = error.message
        self.id = id
    }

    init(_ fault: Fault, id: JSONSpan?) {
        code = fault == .item ? .invalidParams : .invalidRequest
        message = fault.message
        self.id = id
    }
}

extension EnvelopeError.Fault {
    fileprivate var message: String {
        switch self {
        case .unknownMember: "the message has a member that JSON-RPC does not know"
        case .version: "jsonrpc must be \"2.0\""
        case .id: "id must be a string or an integer"
        case .method: "method must be a string"
        case .params: "params must be an object"
        case .meta: "_meta must be an object with members of the types that the protocol gives them"
        case .mixed: "a message has a method, a result or an error, and only one of them"
        case .neither: "a message has a method, a result or an error"
        case .missingID: "a request or a result must have an id"
        case .unwantedID: "a notification must not have an id"
        case .item: "params must say what the request is about"
        case .controlInName: "a name holds a control character"
        case .result: "a result must be an object with members of the types that the protocol gives them"
        case .error: "an error must be an object with an integer code and a message"
        }
    }
}
