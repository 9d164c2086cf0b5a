package import StrictJSON

/// Writes records in their canonical form, straight into a buffer.
///
/// The members of a call's records are written in sorted order with what never changes between two records (who, which
/// run, which key) laid out beforehand; only the buffer grows.
package struct RecordWriter: Sendable {
    /// The largest record in bytes.
    package static let maxBytes = JSONLimits.record.maxBytes
    /// What each record begins with: `{"agent":"...","boot":"..."`.
    private let opening: [UInt8]
    /// What stands before the kind: `,"inst":"...","key":"...","kind":"`.
    private let middle: [UInt8]
    /// What stands before the time: `,"sub":"...","t":"`.
    private let subject: [UInt8]

    /// The members that all records of a run share.
    private let common: JSONObject

    private var random: RandomPool
    /// The digest that was found well-formed last: for as long as a policy is in force it is always the same.
    private var knownDigest: JSONText = ""

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
        instance: AuditID,
        key: String,
        boot: String,
        subject: JSONText,
        random: RandomPool = RandomPool()
    ) {
        precondition(LeafText.agent.holds(agent.utf8), "\(agent) can be no agent's id")
        let subject = RecordName.word(subject)
        var opening = Array("{\"agent\":".utf8)
        JSONWriting.string(agent.utf8, to: &opening)
        opening += Array(",\"boot\":\"\(boot)\"".utf8)
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

    private mutating func write(_ body: RecordBody, seq: UInt64, at time: RecordTime, to output: inout ByteWriter) {
        switch body {
        case .callBegin(let facts, let decision, let credential):
            begin(facts, to: &output)
            if let credential { Self.member(",\"cred\":", word: credential, to: &output) }
            write(decision, to: &output)
            continueCall("call.begin", facts, at: time, to: &output)
            end(facts, seq: seq, at: time, to: &output)
        case .callEnd(let facts, let outcome):
            begin(facts, to: &output)
            continueCall("call.end", facts, at: time, to: &output)
            write(outcome, to: &output)
            end(facts, seq: seq, at: time, to: &output)
        case .callDeny(let facts, let decision):
            begin(facts, to: &output)
            write(decision, to: &output)
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
    private func begin(_ facts: CallFacts, to output: inout ByteWriter) {
        output.append(opening)
        output.append(",\"call\":\"")
        facts.call.write(to: &output)
        output.append("\",\"client\":{\"how\":\"")
        output.append(facts.how.rawValue)
        Self.member("\",\"id\":", name: facts.client, to: &output)
        output.append("}")
    }

    private mutating func write(_ decision: DecisionFacts, to output: inout ByteWriter) {
        if decision.digest != knownDigest { knownDigest = RecordName.digest(decision.digest) }
        Self.member(",\"dec\":{\"digest\":", knownDigest, to: &output)
        output.append(decision.isAllowed ? ",\"is\":\"allow\"" : ",\"is\":\"deny\"")
        if let limiter = decision.limiter { Self.member(",\"limiter\":", name: limiter, to: &output) }
        Self.member(",\"policy\":", decision.policy, to: &output)
        Self.member(",\"reason\":", word: decision.reason, to: &output)
        output.append(",\"rules\":[")
        for (index, rule) in decision.rules.prefix(RecordForm.maxRules).enumerated() {
            Self.member(index > 0 ? "," : "", name: rule, to: &output)
        }
        output.append("]}")
    }

    private func continueCall(
        _ kind: StaticString,
        _ facts: CallFacts,
        at time: RecordTime,
        to output: inout ByteWriter
    ) {
        output.append(middle)
        output.append(kind)
        Self.member("\",\"method\":", name: facts.method, to: &output)
        Self.member(",\"mono_us\":", Int(time.mono), to: &output)
    }

    private func write(_ outcome: Outcome, to output: inout ByteWriter) {
        Self.member(",\"out\":{\"bytes_in\":", outcome.bytesIn, to: &output)
        Self.member(",\"bytes_out\":", outcome.bytesOut, to: &output)
        output.append(",\"is\":\"")
        output.append(outcome.kind.rawValue)
        Self.member("\",\"ms\":", outcome.milliseconds, to: &output)
        output.append("}")
    }

    private mutating func end(_ facts: CallFacts, seq: UInt64, at time: RecordTime, to output: inout ByteWriter) {
        if case .prompt(let name) = facts.item { Self.member(",\"prompt\":", name: name, to: &output) }
        output.append(",\"salt\":\"")
        withUnsafeBytes(of: random.salt()) { Base64.writeURL($0, to: &output) }
        Self.member("\",\"seq\":", Int(clamping: seq), to: &output)
        Self.member(",\"srv\":", name: facts.server, to: &output)
        output.append(subject)
        Timestamp.write(time.wall, to: &output)
        output.append("\"")
        if case .tool(let name) = facts.item { Self.member(",\"tool\":", name: name, to: &output) }
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

    /// Writes a count; what is below zero or beyond what canonical JSON holds becomes the nearest end.
    private static func member(_ opening: StaticString, _ count: Int, to output: inout ByteWriter) {
        output.append(opening)
        output.append(decimal: UInt64(count.heldToCount))
    }

    private static func member(_ opening: StaticString, _ value: JSONText, to output: inout ByteWriter) {
        output.append(opening)
        value.utf8.withUnsafeBufferPointer { output.append(literal: $0) }
    }

    private static func member(_ opening: StaticString, word: JSONText, to output: inout ByteWriter) {
        member(opening, RecordName.word(word), to: &output)
    }

    private static func member(_ opening: StaticString, name: JSONText, to output: inout ByteWriter) {
        let isShort = name.utf8.withUnsafeBufferPointer { $0.count <= RecordName.maxBytes && JSONWriting.isPlain($0) }
        member(opening, isShort ? name : RecordName.bounded(name), to: &output)
    }
}
