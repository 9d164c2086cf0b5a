package import Bytes
package import StrictJSON
internal import TransparencyLog

/// Writes records in their canonical form, straight into a buffer.
///
/// The members of a call's records are written in sorted order with what never changes between two records (who, which
/// run, which key) laid out beforehand; only the buffer grows.
package struct RecordWriter: Sendable {
    /// The largest record in bytes.
    package static let maxBytes = JSONLimits.record.maxBytes
    /// What each record of a call begins with: `{"agent":"...","boot":"...","call":"`.
    private let opening: [UInt8]
    /// What precedes the kind: `,"inst":"...","key":"...","kind":"`.
    private let middle: [UInt8]
    /// What precedes the time: `,"sub":"...","t":"`.
    private let subject: [UInt8]

    /// The members that all records of a run share.
    private let common: JSONObject

    private var random: RandomPool
    private var clock = TimestampWriter()

    /// Writes records of one run of an agent.
    ///
    /// - Parameters:
    ///   - agent: the agent's id: 1 to 64 of `a-z`, `0-9` and `-`, or this ends the process.
    ///   - instance: random for each start of the process.
    ///   - key: the fingerprint of the key that the agent signs its log with.
    ///   - boot: what `bootMark` made of the machine's boot id.
    ///   - subject: the user's pseudonym, one word.
    ///   - random: where salts come from.
    package init(
        agent: JSONText,
        instance: RandomID,
        key: String,
        boot: String,
        subject: JSONText,
        random: RandomPool = RandomPool()
    ) {
        precondition(LeafText.agent.holds(agent.utf8), "\(agent) can be no agent's id")
        let subject = RecordName.word(subject)
        var opening = Array("{\"agent\":".utf8)
        JSONWriting.string(agent.utf8, to: &opening)
        opening += Array(",\"boot\":\"\(boot)\",\"call\":\"".utf8)
        self.opening = opening
        middle = Array(",\"inst\":\"\(instance)\",\"key\":\"\(key)\",\"kind\":\"".utf8)
        var text = Array(",\"sub\":".utf8)
        JSONWriting.string(subject.utf8, to: &text)
        self.subject = text + Array(",\"t\":\"".utf8)
        self.random = random
        common = [
            "agent": .string(agent), "boot": .text(boot), "inst": .text(instance.description), "key": .text(key),
            "sub": .string(subject), "v": 1,
        ]
    }

    /// Tells two starts of the machine apart without saying which: a hash of the kernel's random boot id, salted with
    /// the agent's id.
    package static func bootMark(bootID: some Collection<UInt8>, agent: JSONText) -> String {
        Base64.url(Hash.of(agent.utf8 + [0] + Array(bootID)).bytes.prefix(16))
    }

    /// Appends one record, without a line feed.
    package mutating func write(_ body: RecordBody, seq: UInt64, at time: RecordTime, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: Self.maxBytes, alignment: 1) { room in
            var record = ByteWriter(room)
            write(body, seq: seq, at: time, to: &record)
            output.append(contentsOf: record.written)
        }
    }

    /// Appends one record, without a line feed, where there is room for `maxBytes`.
    package mutating func write(_ body: RecordBody, seq: UInt64, at time: RecordTime, to output: inout ByteWriter) {
        switch body {
        case .callBegin(let facts, let decision, let credential):
            begin(facts, to: &output)
            if let credential { output.append(",\"cred\":", word: credential) }
            output.append(decision.member)
            continueCall("call.begin", facts, at: time, to: &output)
            end(facts, seq: seq, at: time, to: &output)
        case .callEnd(let facts, let outcome):
            begin(facts, to: &output)
            continueCall("call.end", facts, at: time, to: &output)
            write(outcome, to: &output)
            end(facts, seq: seq, at: time, to: &output)
        case .callDeny(let facts, let decision):
            begin(facts, to: &output)
            output.append(decision.member)
            continueCall("call.deny", facts, at: time, to: &output)
            end(facts, seq: seq, at: time, to: &output)
        default:
            writeRare(body, seq: seq, at: time, to: &output)
        }
    }

    /// Writes a record that is no call's: seldom enough to sort its members each time.
    private mutating func writeRare(_ body: RecordBody, seq: UInt64, at time: RecordTime, to output: inout ByteWriter) {
        var object = common
        for (name, value) in body.rareMembers { object[name] = value }
        object["mono_us"] = .count(Int(time.mono))
        object["salt"] = .text(random.saltText())
        object["seq"] = .count(Int(clamping: seq))
        object["t"] = .text(Timestamp.text(time.wall))
        do {
            output.append(try JSONValue.object(object).canonicalBytes())
        } catch {
            preconditionFailure("a record's members are canonical by construction: \(error)")
        }
    }
}

// MARK: - Members of calls, in the order of their names

extension RecordWriter {
    private func begin(_ facts: CallAttributes, to output: inout ByteWriter) {
        output.append(opening)
        facts.call.write(to: &output)
        output.append("\",\"client\":{\"how\":\"")
        output.append(facts.how.rawValue)
        output.append("\",\"id\":", name: facts.client)
        output.append("}")
    }

    private func continueCall(
        _ kind: StaticString,
        _ facts: CallAttributes,
        at time: RecordTime,
        to output: inout ByteWriter
    ) {
        output.append(middle)
        output.append(kind)
        output.append("\",\"method\":", name: facts.method)
        output.append(",\"mono_us\":", Int(time.mono))
    }

    private func write(_ outcome: Outcome, to output: inout ByteWriter) {
        output.append(",\"out\":{\"bytes_in\":", outcome.bytesIn)
        output.append(",\"bytes_out\":", outcome.bytesOut)
        output.append(",\"is\":\"")
        output.append(outcome.kind.rawValue)
        output.append("\",\"ms\":", outcome.milliseconds)
        output.append("}")
    }

    private mutating func end(_ facts: CallAttributes, seq: UInt64, at time: RecordTime, to output: inout ByteWriter) {
        if case .prompt(let name) = facts.item { output.append(",\"prompt\":", name: name) }
        output.append(",\"salt\":\"")
        withUnsafeBytes(of: random.salt()) { Base64.writeURL($0, to: &output) }
        output.append("\",\"seq\":", Int(clamping: seq))
        output.append(",\"srv\":", name: facts.server)
        output.append(subject)
        clock.write(time.wall, to: &output)
        output.append("\"")
        if case .tool(let name) = facts.item { output.append(",\"tool\":", name: name) }
        output.append(",\"trace\":\"")
        facts.trace.write(to: &output)
        output.append("\"")
        if case .resource(let hash) = facts.item {
            output.append(",\"uri_hash\":\"")
            hash.writeBase64URL(to: &output)
            output.append("\"")
        }
        output.append(",\"v\":1}")
    }
}

extension ByteWriter {
    /// Writes a count; a number below zero or beyond the range of canonical JSON becomes the nearest end.
    mutating func append(_ opening: StaticString, _ count: Int) {
        append(opening)
        append(decimal: UInt64(count.heldToCount))
    }

    /// Writes a text as it is.
    mutating func append(_ opening: StaticString, _ value: JSONText) {
        append(opening)
        value.utf8.withUnsafeBufferPointer { append(literal: $0) }
    }

    /// Writes a word, or its hash.
    mutating func append(_ opening: StaticString, word: JSONText) {
        append(opening, RecordName.word(word))
    }

    /// Writes a name, or its hash if it is not plain.
    mutating func append(_ opening: StaticString, name: JSONText) {
        append(opening)
        let isWritten = name.utf8.withUnsafeBufferPointer { name in
            RecordName.isPlain(name) && append(plainLiteral: name)
        }
        if !isWritten { RecordName.hash(of: name).utf8.withUnsafeBufferPointer { append(literal: $0) } }
    }
}
