internal import StrictJSON

extension Envelope {
    /// The members of a result that are read here, of any method; none may occur twice, or in another case.
    private static let known: [StaticString] = ["isError", "resultType", "inputRequests"]

    mutating func readResult(_ scanner: inout JSONScanner) throws(JSONError) {
        if try isUnset(&scanner) { return }
        guard try scanner.kind() == .object else {
            note(.result)
            result = try scanner.skipValue()
            return
        }
        let lower = scanner.offset
        scanner.isLenient = isOfServer
        try readMembers(&scanner)
        scanner.isLenient = false
        result = JSONSpan(lower, scanner.offset)
    }

    private mutating func readMembers(_ scanner: inout JSONScanner) throws(JSONError) {
        var seen: UInt8 = 0
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            let member: UInt8
            if scanner.matches(name, "isError") {
                member = 1
            } else if scanner.matches(name, "resultType") {
                member = 2
            } else if scanner.matches(name, "inputRequests") {
                member = 4
            } else if scanner.matches(name, "nextCursor") {
                member = 8
            } else {
                try scanner.refuseVariants(name, of: Self.known)
                try skipUnread(&scanner)
                continue
            }
            guard seen & member == 0 else { throw JSONError(.ambiguous(.duplicateName), at: name.span.lower) }
            seen |= member
            scanner.isLenient = false
            switch member {
            case 1: try readIsError(&scanner)
            case 2: try readResultType(&scanner)
            case 8: nextCursor = try readNextCursor(&scanner)
            default: try readInputRequests(&scanner, otherwise: .result)
            }
            scanner.isLenient = isOfServer
        }
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

    /// What is no text (null, where it is not set) is no cursor.
    private func readNextCursor(_ scanner: inout JSONScanner) throws(JSONError) -> JSONStringSpan? {
        guard try scanner.kind() == .string else {
            try skipUnread(&scanner)
            return nil
        }
        return try scanner.string()
    }

    private mutating func readResultType(_ scanner: inout JSONScanner) throws(JSONError) {
        if try isUnset(&scanner) { return }
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
                try skipUnread(&scanner)
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
