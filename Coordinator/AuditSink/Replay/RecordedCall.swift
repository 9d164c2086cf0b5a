internal import AuditLog
package import StrictJSON

/// A call as its first record tells it: who asked for what, and how that was decided.
///
/// Names are as the record has them: one that is not plain is `sha256:` and its hash.
package struct RecordedCall: Hashable, Sendable {
    /// What it was about.
    package enum Item: Hashable, Sendable {
        /// A method about no single item, or about a task.
        case none
        case tool(JSONText)
        case prompt(JSONText)
        /// A resource, by the SHA-256 of its URI in base64url.
        case resource(hash: JSONText)
    }

    package internal(set) var client: JSONText = ""
    /// The server's alias.
    package internal(set) var server: JSONText = ""
    /// The JSON-RPC method.
    package internal(set) var method: JSONText = ""
    package internal(set) var item = Item.none
    /// Whether it passed.
    package internal(set) var isAllowed = false
    /// The code of the reason.
    package internal(set) var reason: JSONText = ""
    /// The places of the rules that decided, and the version of their policy.
    package internal(set) var rules: [JSONText] = []
    package internal(set) var policy = 0
    /// What came of conditions on its arguments, as `RecordedCondition` has it.
    package internal(set) var conditions: [JSONText] = []

    /// The same call, under another alias of its server.
    package func at(_ server: JSONText) -> RecordedCall {
        var call = self
        call.server = server
        return call
    }

    /// Whether a name is a hash in place of the name.
    package static func isHash(_ name: JSONText) -> Bool { name.utf8.starts(with: "sha256:".utf8) }
}

/// Reads what a stored `call.begin` or `call.deny` says of its call.
///
/// One pass without a tree of values: a simulation has millions of them.
struct RecordedCallReader {
    private var header = RecordReader()

    /// The call of a stored record that falls into the time; nil for any other record.
    mutating func read(
        _ record: UnsafeBufferPointer<UInt8>,
        of server: JSONText?,
        in isInTime: (Int64) -> Bool
    ) throws -> RecordedCall? {
        let facts = try header.readStored(record)
        guard facts.kind == .callBegin || facts.kind == .callDeny, isInTime(facts.time) else { return nil }
        if let server {
            let isSelected = facts.server?.withText(in: record) { server.utf8.elementsEqual($0) } ?? false
            guard isSelected else { return nil }
        }
        do throws(JSONError) {
            var call = RecordedCall()
            try JSONScanner.walk(record, limits: .record) { scanner throws(JSONError) in try call.read(&scanner) }
            return call
        } catch {
            throw AuditSinkError.damaged("a record cannot be read")
        }
    }
}

extension RecordedCall {
    fileprivate mutating func read(_ scanner: inout JSONScanner) throws(JSONError) {
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "client") {
                try readClient(&scanner)
            } else if scanner.matches(name, "dec") {
                try readDecision(&scanner)
            } else if scanner.matches(name, "method") {
                method = try scanner.text()
            } else if scanner.matches(name, "prompt") {
                item = .prompt(try scanner.text())
            } else if scanner.matches(name, "srv") {
                server = try scanner.text()
            } else if scanner.matches(name, "tool") {
                item = .tool(try scanner.text())
            } else if scanner.matches(name, "uri_hash") {
                item = .resource(hash: try scanner.text())
            } else {
                try scanner.skipValue()
            }
        }
    }

    private mutating func readClient(_ scanner: inout JSONScanner) throws(JSONError) {
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "id") { client = try scanner.text() } else { try scanner.skipValue() }
        }
    }

    private mutating func readDecision(_ scanner: inout JSONScanner) throws(JSONError) {
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, "args") {
                var list = try scanner.beginArray()
                while try scanner.nextElement(&list) { conditions.append(try scanner.text()) }
            } else if scanner.matches(name, "is") {
                isAllowed = scanner.matches(try scanner.string(), "allow")
            } else if scanner.matches(name, "policy") {
                let span = try scanner.number()
                policy = JSONNumber.plainInteger(UnsafeBufferPointer(rebasing: scanner.bytes[span.range])) ?? 0
            } else if scanner.matches(name, "reason") {
                reason = try scanner.text()
            } else if scanner.matches(name, "rules") {
                var list = try scanner.beginArray()
                while try scanner.nextElement(&list) { rules.append(try scanner.text()) }
            } else {
                try scanner.skipValue()
            }
        }
    }
}

extension JSONScanner {
    fileprivate mutating func text() throws(JSONError) -> JSONText {
        let span = try string()
        return JSONText(utf8: span.text(in: bytes))
    }
}
