internal import StrictJSON

extension Envelope {
    /// What was met on the way, to be judged once all of it is known: members come in any order.
    struct Members: Sendable {
        var hasVersion = false
        var hasID = false
        var isNullID = false
        var name: JSONStringSpan?
        var uri: JSONStringSpan?
        var taskID: JSONStringSpan?
        var reference: Reference?
    }

    /// `ref` of `completion/complete`.
    struct Reference: Sendable {
        var type: JSONStringSpan?
        var name: JSONStringSpan?
        var uri: JSONStringSpan?
    }

    /// Reads the members on top.
    mutating func readMessage(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.kind() == .object else { throw JSONError(.ambiguous(.notAnObject), at: scanner.offset) }
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "jsonrpc") {
                let version = try scanner.optionalString()
                members.hasVersion = version.map { scanner.matches($0, "2.0") } ?? false
                if !members.hasVersion { note(.version) }
            } else if scanner.matches(name, "id") {
                try readID(&scanner)
            } else if scanner.matches(name, "method") {
                try readMethod(&scanner)
            } else if scanner.matches(name, "params") {
                try readParams(&scanner)
            } else if scanner.matches(name, "result") {
                try readResult(&scanner)
            } else if scanner.matches(name, "error") {
                try readError(&scanner)
            } else {
                try scanner.refuseVariants(name, of: "jsonrpc", "id", "method", "params", "result", "error")
                if !isOfServer { note(.unknownMember) }
                try skipUnread(&scanner)
            }
        }
    }

    /// Moves over a value that the gateway does not read.
    @discardableResult
    func skipUnread(_ scanner: inout JSONScanner) throws(JSONError) -> JSONSpan {
        isOfServer ? try scanner.skipLeniently() : try scanner.skipValue()
    }

    /// Moves over a null of a server that writes members which are not set; true where there was one.
    func isUnset(_ scanner: inout JSONScanner) throws(JSONError) -> Bool {
        guard isOfServer, try scanner.kind() == .null else { return false }
        try scanner.null()
        return true
    }

    private mutating func readMethod(_ scanner: inout JSONScanner) throws(JSONError) {
        if try isUnset(&scanner) { return }
        methodName = try scanner.optionalString()
        if let methodName {
            method = methodName.withText(in: scanner.bytes, MCPMethod.init)
        } else {
            note(.method)
        }
    }

    /// Remembers the first thing that is wrong, and lets the scan go on: the id may yet come.
    mutating func note(_ fault: EnvelopeError.Fault) {
        if self.fault == nil { self.fault = fault }
    }

    private mutating func readID(_ scanner: inout JSONScanner) throws(JSONError) {
        members.hasID = true
        switch try scanner.kind() {
        case .null:
            members.isNullID = true
            try scanner.null()
        default:
            id = try scanner.idLiteral()
            if id == nil { note(.id) }
        }
    }

    private mutating func readError(_ scanner: inout JSONScanner) throws(JSONError) {
        if try isUnset(&scanner) { return }
        guard try scanner.kind() == .object else {
            note(.error)
            error = try scanner.skipValue()
            return
        }
        let lower = scanner.offset
        var hasMessage = false
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "code") {
                errorCode = try scanner.optionalInt()
            } else if scanner.matches(name, "message") {
                hasMessage = try scanner.kind() == .string
                errorMessage = try skipUnread(&scanner)
            } else if scanner.matches(name, "data") {
                _ = try scanner.kind()
                errorData = try skipUnread(&scanner)
            } else {
                try scanner.refuseVariants(name, of: "code", "message", "data")
                try skipUnread(&scanner)
            }
        }
        error = JSONSpan(lower, scanner.offset)
        if errorCode == nil || !hasMessage { note(.error) }
    }

    // MARK: Judging

    /// Decides what kind of message it is and refuses what is not a message.
    mutating func settle(in bytes: UnsafeBufferPointer<UInt8>) throws(EnvelopeError) {
        if let fault { throw EnvelopeError(fault, id: id) }
        guard members.hasVersion else { throw EnvelopeError(.version, id: id) }
        let count = (methodName == nil ? 0 : 1) + (result == nil ? 0 : 1) + (error == nil ? 0 : 1)
        guard count == 1 else { throw EnvelopeError(count == 0 ? .neither : .mixed, id: id) }
        if result != nil {
            kind = .response
            guard params == nil else { throw EnvelopeError(.mixed, id: id) }
            guard id != nil else { throw EnvelopeError(.missingID, id: nil) }
        } else if error != nil {
            kind = .errorResponse
            guard params == nil else { throw EnvelopeError(.mixed, id: id) }
        } else {
            try settleMethod(in: bytes)
        }
    }

    private mutating func settleMethod(in bytes: UnsafeBufferPointer<UInt8>) throws(EnvelopeError) {
        guard !members.isNullID else { throw EnvelopeError(.id, id: nil) }
        kind = members.hasID ? .request : .notification
        if let methodName, methodName.hasControls(in: bytes) { throw EnvelopeError(.controlInName, id: id) }
        // A server may well act on a request that is dressed as a notification, and no record would name it.
        if kind == .notification, method.isRequest { throw EnvelopeError(.missingID, id: nil) }
        if kind == .request, method.isNotification { throw EnvelopeError(.unwantedID, id: id) }
        item = item(in: bytes)
        // A method that this era does not have is refused for that, whatever it lacks.
        if item == nil, method.needsItem, method.eras.contains(era == .modern ? .modern : .handshake) {
            throw EnvelopeError(.item, id: id)
        }
        if let item, item.name.hasControls(in: bytes) { throw EnvelopeError(.controlInName, id: id) }
    }

    private func item(in bytes: UnsafeBufferPointer<UInt8>) -> Item? {
        switch method {
        case .toolsCall: members.name.map { Item(kind: .tool, name: $0) }
        case .promptsGet: members.name.map { Item(kind: .prompt, name: $0) }
        case .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe, .resourcesUpdated:
            members.uri.map { Item(kind: .resource, name: $0) }
        case .tasksGet, .tasksUpdate, .tasksCancel, .tasksResult, .tasks, .tasksStatus:
            members.taskID.map { Item(kind: .task, name: $0) }
        case .completionComplete: completed(in: bytes)
        default: nil
        }
    }

    private func completed(in bytes: UnsafeBufferPointer<UInt8>) -> Item? {
        guard let reference = members.reference, let type = reference.type else { return nil }
        if type.matches("ref/prompt", in: bytes) { return reference.name.map { Item(kind: .prompt, name: $0) } }
        if type.matches("ref/resource", in: bytes) { return reference.uri.map { Item(kind: .resource, name: $0) } }
        return nil
    }
}

extension JSONScanner {
    /// Reads a string; skips anything else and says nil.
    mutating func optionalString() throws(JSONError) -> JSONStringSpan? {
        if try kind() == .string { return try string() }
        try skipValue()
        return nil
    }

    /// Reads an integer in its plain spelling; skips anything else and says nil.
    mutating func optionalInt() throws(JSONError) -> Int? {
        guard try kind() == .number else {
            try skipValue()
            return nil
        }
        return JSONNumber.plainInteger(UnsafeBufferPointer(rebasing: bytes[try number().range]))
    }

    /// Reads the literal of a string or of a plain integer; skips anything else and says nil.
    mutating func idLiteral() throws(JSONError) -> JSONSpan? {
        switch try kind() {
        case .string: return try string().literal
        case .number:
            let span = try number()
            return JSONNumber.plainInteger(UnsafeBufferPointer(rebasing: bytes[span.range])) == nil ? nil : span
        default:
            try skipValue()
            return nil
        }
    }
}
