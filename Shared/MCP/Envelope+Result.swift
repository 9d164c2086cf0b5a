internal import StrictJSON

extension Envelope {
    /// Names in a result, of any method, that must not occur in another case.
    private static let known: [StaticString] = [
        "isError", "resultType", "inputRequests", "requestState", "content", "structuredContent", "contents",
        "messages",
        "tools", "prompts", "resources", "resourceTemplates", "nextCursor", "_meta", "capabilities", "protocolVersion",
        "completion",
    ]

    mutating func readResult(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.kind() == .object else {
            note(.result)
            result = try scanner.skipValue()
            return
        }
        let lower = scanner.offset
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "content") || scanner.matches(name, "structuredContent") {
                try scanner.skipValue()
            } else if scanner.matches(name, "isError") {
                try readIsError(&scanner)
            } else if scanner.matches(name, "resultType") {
                try readResultType(&scanner)
            } else if scanner.matches(name, "inputRequests") {
                try readInputRequests(&scanner, otherwise: .result)
            } else {
                try scanner.refuseVariants(name, of: Self.known)
                try scanner.skipValue()
            }
        }
        result = JSONSpan(lower, scanner.offset)
    }

    private mutating func readIsError(_ scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.kind() {
        case .bool: isToolError = try scanner.bool()
        // Some SDKs write members that are not set as null.
        case .null: try scanner.null()
        default:
            note(.result)
            try scanner.skipValue()
        }
    }

    private mutating func readResultType(_ scanner: inout JSONScanner) throws(JSONError) {
        guard let type = try scanner.optionalString() else {
            note(.result)
            return
        }
        if scanner.matches(type, "complete") {
            resultType = .complete
        } else if scanner.matches(type, "input_required") {
            resultType = .inputRequired
        } else if scanner.matches(type, "task") {
            resultType = .task
        } else {
            resultType = .other
        }
    }

    /// `inputRequests`: under each key a request to the client without its envelope.
    mutating func readInputRequests(
        _ scanner: inout JSONScanner,
        otherwise fault: EnvelopeError.Fault
    ) throws(JSONError) {
        switch try scanner.kind() {
        case .null:
            try scanner.null()
            return
        case .object:
            break
        default:
            note(fault)
            try scanner.skipValue()
            return
        }
        hasInputRequests = true
        var frame = try scanner.beginObject()
        while try scanner.nextName(&frame) != nil {
            guard try scanner.kind() == .object else {
                note(fault)
                try scanner.skipValue()
                continue
            }
            inputRequests.insert(try inputRequest(&scanner))
        }
    }

    private func inputRequest(_ scanner: inout JSONScanner) throws(JSONError) -> InputRequests {
        var kind: InputRequests = .other
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            guard scanner.matches(name, "method") else {
                try scanner.refuseVariants(name, of: "method", "params")
                try scanner.skipValue()
                continue
            }
            guard let text = try scanner.optionalString() else { continue }
            switch text.withText(in: scanner.bytes, MCPMethod.init).serverRequest {
            case .elicitation: kind = .elicitation
            case .sampling: kind = .sampling
            case .roots: kind = .roots
            case nil: kind = .other
            }
        }
        return kind
    }
}
