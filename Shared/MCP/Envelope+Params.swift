internal import StrictJSON

extension Envelope {
    /// Names in `params`, of any method, that must not occur in another case.
    private static let known: [StaticString] = [
        "name", "uri", "arguments", "argument", "ref", "_meta", "protocolVersion", "capabilities", "clientInfo",
        "requestId", "progressToken", "notifications", "inputRequests", "inputResponses", "requestState", "taskId",
        "task", "cursor", "level",
    ]

    mutating func readParams(_ scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.kind() {
        case .object: break
        case .null:
            // Some SDKs write members that are not set as null.
            try scanner.null()
            return
        default:
            note(.params)
            params = try scanner.skipValue()
            return
        }
        let lower = scanner.offset
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "name") {
                members.name = try scanner.optionalString()
            } else if scanner.matches(name, "arguments") {
                // Not one with `argument`: what is judged must be what the server reads.
                arguments = try skipUnread(&scanner)
            } else if scanner.matches(name, "argument") {
                argument = try skipUnread(&scanner)
            } else if scanner.matches(name, "_meta") {
                try readMeta(&scanner)
            } else if scanner.matches(name, "uri") {
                members.uri = try scanner.optionalString()
            } else if scanner.matches(name, "ref") {
                try readReference(&scanner)
            } else if scanner.matches(name, "requestId") {
                cancelledID = try scanner.idLiteral()
            } else if scanner.matches(name, "progressToken") {
                progressToken = try scanner.idLiteral()
            } else if scanner.matches(name, "protocolVersion") {
                initializeVersion = try scanner.optionalString()
            } else if scanner.matches(name, "taskId") {
                members.taskID = try scanner.optionalString()
            } else if scanner.matches(name, "task") {
                asksForTask = true
                try skipUnread(&scanner)
            } else if scanner.matches(name, "notifications") {
                try readSubscriptions(&scanner)
            } else if scanner.matches(name, "cursor") {
                // Some SDKs write members that are not set as null.
                hasCursor = try scanner.kind() != .null
                try skipUnread(&scanner)
            } else if scanner.matches(name, "inputRequests") {
                // Of `notifications/tasks`, which says what a result would.
                try readInputRequests(&scanner, otherwise: .params)
            } else {
                try scanner.refuseVariants(name, of: Self.known)
                try skipUnread(&scanner)
            }
        }
        params = JSONSpan(lower, scanner.offset)
    }

    /// Names in `_meta` that must not occur in another case.
    private static let knownMeta: [StaticString] = [
        "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities",
        "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/logLevel",
        "io.modelcontextprotocol/subscriptionId", "progressToken", "traceparent", "tracestate", "baggage",
    ]

    private mutating func readMeta(_ scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.kind() {
        case .object: break
        case .null:
            try scanner.null()
            return
        default:
            note(.meta)
            try scanner.skipValue()
            return
        }
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "io.modelcontextprotocol/protocolVersion") {
                protocolVersion = try scanner.optionalString()
                if protocolVersion == nil { note(.meta) }
            } else if scanner.matches(name, "progressToken") {
                progressToken = try scanner.idLiteral()
                if progressToken == nil { note(.meta) }
            } else if scanner.matches(name, "traceparent") {
                traceparent = try scanner.optionalString()
            } else {
                try scanner.refuseVariants(name, of: Self.knownMeta)
                try skipUnread(&scanner)
            }
        }
    }

    private mutating func readReference(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.kind() == .object else {
            try scanner.skipValue()
            return
        }
        var reference = Reference()
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "type") {
                reference.type = try scanner.optionalString()
            } else if scanner.matches(name, "name") {
                reference.name = try scanner.optionalString()
            } else if scanner.matches(name, "uri") {
                reference.uri = try scanner.optionalString()
            } else {
                try scanner.refuseVariants(name, of: "type", "name", "uri")
                try scanner.skipValue()
            }
        }
        members.reference = reference
    }

    /// `notifications` of `subscriptions/listen`: what the client wants to hear of.
    private mutating func readSubscriptions(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.kind() == .object else {
            note(.params)
            try scanner.skipValue()
            return
        }
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "resourceSubscriptions") {
                resourceSubscriptions = try readNames(&scanner)
            } else if scanner.matches(name, "taskIds") {
                taskSubscriptions = try readNames(&scanner)
            } else if scanner.matches(name, "toolsListChanged") {
                try readListSubscription(&scanner, .tools)
            } else if scanner.matches(name, "promptsListChanged") {
                try readListSubscription(&scanner, .prompts)
            } else if scanner.matches(name, "resourcesListChanged") {
                try readListSubscription(&scanner, .resources)
            } else {
                try scanner.refuseVariants(
                    name,
                    of: "resourceSubscriptions",
                    "toolsListChanged",
                    "promptsListChanged",
                    "resourcesListChanged",
                    "taskIds"
                )
                try scanner.skipValue()
            }
        }
    }

    private mutating func readListSubscription(
        _ scanner: inout JSONScanner,
        _ kind: ListKinds
    ) throws(JSONError) {
        guard try scanner.kind() == .bool else {
            try scanner.skipValue()
            return
        }
        if try scanner.bool() { listSubscriptions.insert(kind) }
    }

    private mutating func readNames(_ scanner: inout JSONScanner) throws(JSONError) -> JSONSpan? {
        guard try scanner.kind() == .array else {
            note(.params)
            return try scanner.skipValue()
        }
        let lower = scanner.offset
        var frame = try scanner.beginArray()
        while try scanner.nextElement(&frame) {
            guard let name = try scanner.optionalString() else {
                note(.params)
                continue
            }
            if name.hasControls(in: scanner.bytes) { note(.controlInName) }
        }
        return JSONSpan(lower, scanner.offset)
    }
}
