internal import Bytes
internal import Errors
package import StrictJSON
package import TransparencyLog

/// What a record says that others must know to place it; texts are spans of its bytes.
package struct RecordHeader: Sendable {
    package let kind: RecordKind
    /// The record's index in its agent's log.
    package let seq: UInt64
    /// `t`, in microseconds since 1970.
    package let time: Int64
    package let agent: JSONSpan
    /// The fingerprint of the key that signs the log.
    package let key: JSONSpan
    package let sub: JSONSpan
    /// The server's alias, if the record is about one.
    package let server: JSONStringSpan?
    /// The policy that decided or was applied; `digest` is empty and `version` 0 where there was none yet.
    package let policy: (version: Int, digest: JSONSpan)?
    /// How a call has ended, and after how many milliseconds; of `call.end` alone.
    package let outcome: (kind: Outcome.Kind, milliseconds: Int)?
    /// Why a call was allowed or refused, as a code; of `call.begin` and `call.deny`.
    package let reason: JSONStringSpan?
    /// Whether it is about a tool, a prompt or a resource.
    package let isAboutItem: Bool
}

/// Checks that bytes are a record in its one spelling, with the members of its kind and no others.
///
/// It takes exactly what `RecordWriter` may write. One pass and no tree of values: a report has a million of them. Keep
/// one reader for many records.
package struct RecordReader: Sendable {
    /// The literal of the last string that had escapes, spelled as it should be.
    private var spelled: [UInt8] = []
    private var texts = [JSONStringSpan?](repeating: nil, count: RecordForm.Slot.allCases.count)
    private var numbers = [Int?](repeating: nil, count: RecordForm.Slot.allCases.count)
    private var time: Int64 = 0
    private var kind = RecordKind.agentStop
    private var outcome = Outcome.Kind.unknown
    /// Why the record is refused, where it is good JSON.
    private var problem = ""
    /// What names must be.
    private let nameForm: LeafText
    private let layout: RecordLayout

    /// A reader.
    ///
    /// - Parameter plainNames: whether names must have the form in which they are written; records of earlier releases may
    ///   have others, which a verifier takes and a coordinator does not.
    package init(plainNames: Bool = false) {
        nameForm = plainNames ? .plainName : .name
        layout = plainNames ? .plain : .any
    }

    /// Reads a record.
    ///
    /// - Throws: `.malformed`, with a message about the first thing that is wrong, without repeating it.
    package mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(LogError) -> RecordHeader {
        if let facts = PlainRecordReader.read(bytes, layout) { return facts }
        return try readStrictly(bytes)
    }

    /// Reads a record whatever is unusual about it, and says of one that is refused why.
    mutating func readStrictly(_ bytes: UnsafeBufferPointer<UInt8>) throws(LogError) -> RecordHeader {
        problem = ""
        var found: RecordMembers = []
        for slot in texts.indices {
            texts[slot] = nil
            numbers[slot] = nil
        }
        do throws(JSONError) {
            try JSONScanner.scan(bytes, limits: .record) { scanner throws(JSONError) in
                guard try scanner.kind() == .object else { throw JSONError(.ambiguous(.notAnObject), at: 0) }
                let (members, length) = try object(.record, &scanner)
                found = RecordMembers(rawValue: members)
                try checkMembers(found, scanner.offset)
                // All parts are in their one spelling; so if nothing is between them, the whole is.
                guard length == bytes.count else {
                    throw JSONError(.ambiguous(.notCanonical(.spelling)), at: scanner.offset)
                }
            }
        } catch {
            throw LogError(.malformed, problem.isEmpty ? error.description : problem)
        }
        guard let agent = text(.agent), let key = text(.key), let sub = text(.sub), let seq = number(.seq) else {
            throw LogError(.malformed, "a member of every record is missing")
        }
        return RecordHeader(
            kind: kind,
            seq: UInt64(seq),
            time: time,
            agent: agent.span,
            key: key.span,
            sub: sub.span,
            server: text(.server),
            policy: number(.policy).flatMap { version in text(.digest).map { (version, $0.span) } },
            outcome: number(.milliseconds).map { (outcome, $0) },
            reason: text(.reason),
            isAboutItem: !found.isDisjoint(with: .items)
        )
    }

    /// Reads a record.
    ///
    /// - Throws: `.malformed`, as above.
    package mutating func read(_ record: [UInt8]) throws(LogError) -> RecordHeader {
        try record.withUnsafeBufferPointer { bytes throws(LogError) in try read(bytes) }
    }

    private func text(_ slot: RecordForm.Slot) -> JSONStringSpan? { texts[slot.rawValue] }

    private func number(_ slot: RecordForm.Slot) -> Int? { numbers[slot.rawValue] }

    private mutating func checkMembers(_ members: RecordMembers, _ offset: Int) throws(JSONError) {
        let required = RecordMembers.common.union(kind.required)
        guard members.isSuperset(of: required) else {
            try refuse("a record of kind \(kind.rawValue) has fewer members than it must have", offset)
        }
        guard required.union(kind.optional).isSuperset(of: members) else {
            try refuse("a record of kind \(kind.rawValue) has a member that may not stand there", offset)
        }
        guard members.intersection(.items).rawValue.nonzeroBitCount <= 1 else {
            try refuse("a call is about one tool, prompt or resource", offset)
        }
    }

    private mutating func refuse(_ why: String, _ offset: Int) throws(JSONError) -> Never {
        problem = why
        throw JSONError(.ambiguous(.notCanonical(.spelling)), at: offset)
    }
}

// MARK: - Values; each returns the length of its one spelling

extension RecordReader {
    private mutating func object(
        _ form: RecordForm,
        _ scanner: inout JSONScanner
    ) throws(JSONError) -> (members: UInt64, length: Int) {
        var found: UInt64 = 0
        var next = 0
        var length = 1
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            // The members are sorted, so each must be found behind the one before.
            while next < form.members.count, name.isEscaped || !scanner.matches(name, form.members[next].name) {
                next += 1
            }
            guard next < form.members.count else {
                try refuse("a member is unknown or not in its place", name.span.lower)
            }
            found |= 1 << UInt64(next)
            let member = form.members[next]
            next += 1
            length += name.span.count + 4 + (try value(member, &scanner))
        }
        guard found & form.required == form.required else {
            try refuse("a member is missing", scanner.offset)
        }
        return (found, max(length, 2))
    }

    private mutating func value(_ member: RecordForm.Member, _ scanner: inout JSONScanner) throws(JSONError) -> Int {
        switch member.value {
        case .object(let form):
            guard try scanner.kind() == .object else { try refuse("\(member.name) is no object", scanner.offset) }
            return try object(form, &scanner).length
        case .list(let form, let most):
            return try list(member, of: form, most: most, &scanner)
        case .count, .integer, .one:
            return try integer(member, &scanner)
        case .text, .hashOrEmpty, .time, .word:
            return try string(member, &scanner)
        }
    }

    private mutating func list(
        _ member: RecordForm.Member,
        of form: LeafText,
        most: Int,
        _ scanner: inout JSONScanner
    ) throws(JSONError) -> Int {
        guard try scanner.kind() == .array else { try refuse("\(member.name) is no list", scanner.offset) }
        var length = 1
        var count = 0
        var frame = try scanner.beginArray()
        while try scanner.nextElement(&frame) {
            guard try scanner.kind() == .string else { try refuse("\(member.name) holds no text", scanner.offset) }
            let text = try scanner.string()
            try checkSpelling(text, scanner.bytes)
            count += 1
            guard count <= most, text.withText(in: scanner.bytes, { demanded(form).holds($0) }) else {
                try refuse("\(member.name) does not have its form", text.span.lower)
            }
            length += text.span.count + 3
        }
        return max(length, 2)
    }

    private mutating func integer(_ member: RecordForm.Member, _ scanner: inout JSONScanner) throws(JSONError) -> Int {
        guard try scanner.kind() == .number else { try refuse("\(member.name) is no number", scanner.offset) }
        let span = try scanner.number()
        let literal = UnsafeBufferPointer(rebasing: scanner.bytes[span.range])
        guard let value = JSONNumber.plainInteger(literal), value.magnitude <= 1 << 53 - 1,
            isAllowed(value, member.value)
        else { try refuse("\(member.name) is not a whole number within its bounds", span.lower) }
        if let slot = member.slot { numbers[slot.rawValue] = value }
        return span.count
    }

    private func isAllowed(_ value: Int, _ form: RecordForm.Value) -> Bool {
        switch form {
        case .one: value == 1
        case .count: value >= 0
        default: true
        }
    }

    private mutating func string(_ member: RecordForm.Member, _ scanner: inout JSONScanner) throws(JSONError) -> Int {
        guard try scanner.kind() == .string else { try refuse("\(member.name) is no text", scanner.offset) }
        let text = try scanner.string()
        try checkSpelling(text, scanner.bytes)
        guard text.withText(in: scanner.bytes, { holds($0, member) }) else {
            try refuse("\(member.name) does not have its form", text.span.lower)
        }
        if let slot = member.slot { texts[slot.rawValue] = text }
        return text.span.count + 2
    }

    private func demanded(_ form: LeafText) -> LeafText { form == .name ? nameForm : form }

    private mutating func holds(_ text: UnsafeBufferPointer<UInt8>, _ member: RecordForm.Member) -> Bool {
        switch member.value {
        case .text(let form):
            return demanded(form).holds(text)
        case .hashOrEmpty:
            return text.isEmpty || LeafText.hash.holds(text)
        case .time:
            guard let time = Timestamp.microseconds(text) else { return false }
            self.time = time
            return true
        case .word(let words):
            guard let place = words.firstIndex(where: { $0.utf8.elementsEqual(text) }) else { return false }
            if member.slot == .kind { kind = RecordKind.allCases[place] }
            if member.slot == .outcome { outcome = Outcome.Kind.inOrder[place] }
            return true
        case .count, .integer, .one, .list, .object:
            return false
        }
    }

    /// Refuses escapes that the canonical form does not have; without any, a string is its own spelling.
    private mutating func checkSpelling(
        _ text: JSONStringSpan,
        _ bytes: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) {
        guard text.isEscaped else { return }
        spelled.removeAll(keepingCapacity: true)
        JSONWriting.string(text.text(in: bytes), to: &spelled)
        guard spelled.elementsEqual(bytes[text.literal.range]) else {
            throw JSONError(.ambiguous(.notCanonical(.spelling)), at: text.span.lower)
        }
    }
}
