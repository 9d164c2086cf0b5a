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
    /// The last second that was written out, and its text.
    private var second: Int64 = -1
    private var secondText: [UInt8] = []

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
        switch body {
        case .callBegin(let facts, let decision, let credential):
            begin(facts, to: &output)
            if let credential { Self.member(",\"cred\":", RecordName.word(credential), to: &output) }
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
    private mutating func writeRare(_ body: RecordBody, seq: UInt64, at time: RecordTime, to output: inout [UInt8]) {
        var object = common
        for (name, value) in body.rareMembers { object[name] = value }
        object["mono_us"] = .count(Int(time.mono))
        object["salt"] = .text(Base64.url(random.saltBytes()))
        object["seq"] = .count(Int(clamping: seq))
        object["t"] = .text(Timestamp.text(time.wall))
        do {
            output += try JSONValue.object(object).canonicalBytes()
        } catch {
            preconditionFailure("a record's members are canonical by construction: \(error)")
        }
    }
}

// MARK: - Members of calls, in the order of their names

extension RecordWriter {
    private func begin(_ facts: CallFacts, to output: inout [UInt8]) {
        output += opening
        output += Self.callName
        facts.call.write(to: &output)
        output += Self.clientHow
        output += facts.how.rawValue.utf8
        output += Self.clientID
        JSONWriting.string(RecordName.bounded(facts.client).utf8, to: &output)
        output.append(UInt8(ascii: "}"))
    }

    private func write(_ decision: DecisionFacts, to output: inout [UInt8]) {
        Self.member(",\"dec\":{\"digest\":", RecordName.digest(decision.digest), to: &output)
        output += decision.isAllowed ? Self.allowed : Self.denied
        if let limiter = decision.limiter { Self.member(",\"limiter\":", RecordName.bounded(limiter), to: &output) }
        output += Self.policyName
        Self.write(decision.policy, to: &output)
        Self.member(",\"reason\":", RecordName.word(decision.reason), to: &output)
        output += Self.rulesName
        for (index, rule) in decision.rules.prefix(RecordForm.maxRules).enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONWriting.string(RecordName.bounded(rule).utf8, to: &output)
        }
        output += Self.rulesEnd
    }

    private func continueCall(_ kind: StaticString, _ facts: CallFacts, at time: RecordTime, to output: inout [UInt8]) {
        output += middle
        kind.withUTF8Buffer { output += $0 }
        Self.member("\",\"method\":", RecordName.bounded(facts.method), to: &output)
        output += Self.monoName
        Self.write(Int(time.mono), to: &output)
    }

    private func write(_ outcome: Outcome, to output: inout [UInt8]) {
        output += Self.outName
        Self.write(outcome.bytesIn, to: &output)
        output += Self.bytesOutName
        Self.write(outcome.bytesOut, to: &output)
        output += Self.outIsName
        output += outcome.kind.rawValue.utf8
        output += Self.millisecondsName
        Self.write(outcome.milliseconds, to: &output)
        output.append(UInt8(ascii: "}"))
    }

    private mutating func end(_ facts: CallFacts, seq: UInt64, at time: RecordTime, to output: inout [UInt8]) {
        if case .prompt(let name) = facts.item {
            Self.member(",\"prompt\":", RecordName.bounded(name), to: &output)
        }
        output += Self.saltName
        output += Base64.url(random.saltBytes()).utf8
        output += Self.seqName
        Self.write(Int(clamping: seq), to: &output)
        Self.member(",\"srv\":", RecordName.bounded(facts.server), to: &output)
        output += subject
        writeTime(time.wall, to: &output)
        output.append(UInt8(ascii: "\""))
        if case .tool(let name) = facts.item {
            Self.member(",\"tool\":", RecordName.bounded(name), to: &output)
        }
        output += Self.traceName
        facts.trace.write(to: &output)
        output.append(UInt8(ascii: "\""))
        if case .resource(let hash) = facts.item {
            output += Self.uriName
            output += hash.base64URL.utf8
            output.append(UInt8(ascii: "\""))
        }
        output += Self.versionEnd
    }

    private mutating func writeTime(_ wall: Int64, to output: inout [UInt8]) {
        let microseconds = Timestamp.clamped(wall)
        if microseconds / 1_000_000 != second {
            second = microseconds / 1_000_000
            secondText.removeAll(keepingCapacity: true)
            Timestamp.writeSecond(second, to: &secondText)
        }
        output += secondText
        Timestamp.writeFraction(microseconds % 1_000_000, to: &output)
    }

    private static func member(_ opening: StaticString, _ value: JSONText, to output: inout [UInt8]) {
        opening.withUTF8Buffer { output += $0 }
        JSONWriting.string(value.utf8, to: &output)
    }

    /// Appends a count; what is below zero or beyond what canonical JSON holds becomes the nearest end.
    private static func write(_ value: Int, to output: inout [UInt8]) {
        let value = value.heldToCount
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            output.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    private static let callName = Array(",\"call\":\"".utf8)
    private static let clientHow = Array("\",\"client\":{\"how\":\"".utf8)
    private static let clientID = Array("\",\"id\":".utf8)
    private static let allowed = Array(",\"is\":\"allow\"".utf8)
    private static let denied = Array(",\"is\":\"deny\"".utf8)
    private static let policyName = Array(",\"policy\":".utf8)
    private static let rulesName = Array(",\"rules\":[".utf8)
    private static let rulesEnd = Array("]}".utf8)
    private static let monoName = Array(",\"mono_us\":".utf8)
    private static let outName = Array(",\"out\":{\"bytes_in\":".utf8)
    private static let bytesOutName = Array(",\"bytes_out\":".utf8)
    private static let outIsName = Array(",\"is\":\"".utf8)
    private static let millisecondsName = Array("\",\"ms\":".utf8)
    private static let saltName = Array(",\"salt\":\"".utf8)
    private static let seqName = Array("\",\"seq\":".utf8)
    private static let traceName = Array(",\"trace\":\"".utf8)
    private static let uriName = Array(",\"uri_hash\":\"".utf8)
    private static let versionEnd = Array(",\"v\":1}".utf8)
}
