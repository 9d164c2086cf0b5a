internal import Bytes
internal import StrictJSON

/// Reads a record that is in its one spelling and holds no escapes, as nearly all are: the bytes are compared with those
/// that may be in each place.
///
/// It takes nothing that `RecordReader`'s strict pass would not take, and gives the same facts. What it does not take, that
/// pass judges, and says what is wrong.
struct PlainRecordReader {
    private let start: UnsafePointer<UInt8>
    private var next: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    private let sets: UnsafePointer<UInt16>

    private var agent = JSONSpan(0, 0), key = JSONSpan(0, 0), sub = JSONSpan(0, 0)
    private var server: JSONSpan?
    private var reason: JSONSpan?
    private var milliseconds: Int?
    private var outcome = 0
    private var digest: JSONSpan?
    private var policy: Int?
    private var seq = 0
    private var time: Int64 = 0
    private var kind = 0

    /// The record that is all of these bytes; nil if there is anything unusual about it.
    static func read(_ bytes: UnsafeBufferPointer<UInt8>, _ layout: RecordLayout) -> RecordHeader? {
        guard let start = bytes.baseAddress, bytes.count <= RecordWriter.maxBytes else { return nil }
        var reader = PlainRecordReader(start, bytes.count, layout.sets)
        guard let members = reader.object(layout), reader.next == reader.end else { return nil }
        return reader.facts(RecordMembers(rawValue: members))
    }

    private init(_ start: UnsafePointer<UInt8>, _ count: Int, _ sets: UnsafePointer<UInt16>) {
        self.start = start
        next = start
        end = start + count
        self.sets = sets
    }

    private func facts(_ members: RecordMembers) -> RecordHeader? {
        let admission = RecordKind.admissions[kind]
        guard admission.holds(members) else { return nil }
        return RecordHeader(
            kind: admission.kind,
            seq: UInt64(seq),
            time: time,
            agent: agent,
            key: key,
            sub: sub,
            server: server.map { JSONStringSpan(plain: $0) },
            policy: policy.flatMap { version in digest.map { (version, $0) } },
            outcome: milliseconds.map { (Outcome.Kind.inOrder[outcome], $0) },
            reason: reason.map { JSONStringSpan(plain: $0) },
            isAboutItem: !members.isDisjoint(with: .items)
        )
    }

    // MARK: Values; each leaves `next` behind it

    private mutating func object(_ layout: RecordLayout) -> UInt64? {
        guard take(UInt8(ascii: "{")) else { return nil }
        var found: UInt64 = 0
        var place = 0
        repeat {
            // The members are sorted, so each must be found behind the one before.
            while place < layout.members.count, !isNext(layout.members[place].key) { place &+= 1 }
            guard place < layout.members.count else { return nil }
            next += layout.members[place].key.count
            guard value(layout.members[place]) else { return nil }
            found |= 1 << UInt64(place)
            place &+= 1
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")), found & layout.required == layout.required else { return nil }
        return found
    }

    private mutating func value(_ member: RecordLayout.Member) -> Bool {
        switch member.value {
        case .text(let form):
            guard let span = text(form) else { return false }
            keep(span, member.slot)
        case .hashOrEmpty(let form):
            if end - next >= 2, next[0] == UInt8(ascii: "\""), next[1] == UInt8(ascii: "\"") {
                next += 2
                keep(JSONSpan(next - start - 1, next - start - 1), member.slot)
            } else {
                guard let span = text(form) else { return false }
                keep(span, member.slot)
            }
        case .time(let form):
            guard let span = text(form),
                let time = Timestamp.microseconds(UnsafeBufferPointer(start: start + span.lower, count: span.count))
            else { return false }
            self.time = time
        case .word(let words):
            guard let place = word(words) else { return false }
            if member.slot == .kind { kind = place }
            if member.slot == .outcome { outcome = place }
        case .integer(let least, let most):
            guard let number = integer(), number >= least, number <= most else { return false }
            if member.slot == .seq { seq = number }
            if member.slot == .policy { policy = number }
            if member.slot == .milliseconds { milliseconds = number }
        case .list(let form, let most): return list(form, most: most)
        case .object(let layout): return object(layout) != nil
        }
        return true
    }

    private mutating func keep(_ span: JSONSpan, _ slot: RecordForm.Slot?) {
        switch slot {
        case .agent: agent = span
        case .key: key = span
        case .sub: sub = span
        case .server: server = span
        case .digest: digest = span
        case .reason: reason = span
        case .kind, .milliseconds, .outcome, .policy, .seq, .time, nil: break
        }
    }

    @inline(__always)
    private mutating func text(_ form: RecordLayout.Text) -> JSONSpan? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let first = next
        if form.start.count > 0 {
            guard isNext(form.start) else { return nil }
            next += form.start.count
        }
        let begin = next
        while next < end, sets[Int(next.pointee)] & form.bytes.rawValue != 0 { next += 1 }
        let count = next - begin
        guard count >= form.least, count <= form.most,
            count == 0 || sets[Int(next[-1])] & form.last.rawValue != 0, take(UInt8(ascii: "\""))
        else { return nil }
        return JSONSpan(first - start, next - start - 1)
    }

    private mutating func word(_ words: UnsafeBufferPointer<UnsafeBufferPointer<UInt8>>) -> Int? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        for (place, word) in words.enumerated() where isNext(word) {
            guard next + word.count < end, next[word.count] == UInt8(ascii: "\"") else { continue }
            next += word.count + 1
            return place
        }
        return nil
    }

    /// Of at most 16 digits, in the one spelling.
    private mutating func integer() -> Int? {
        let isNegative = take(UInt8(ascii: "-"))
        let begin = next
        var number = 0
        while next < end, next.pointee &- UInt8(ascii: "0") < 10, next - begin < 17 {
            number = number &* 10 &+ Int(next.pointee &- UInt8(ascii: "0"))
            next += 1
        }
        let count = next - begin
        guard (1...16).contains(count), begin.pointee != UInt8(ascii: "0") || count == 1 && !isNegative else {
            return nil
        }
        return isNegative ? -number : number
    }

    private mutating func list(_ form: RecordLayout.Text, most: Int) -> Bool {
        guard take(UInt8(ascii: "[")) else { return false }
        if take(UInt8(ascii: "]")) { return true }
        var count = 0
        repeat {
            count &+= 1
            guard count <= most, text(form) != nil else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "]"))
    }

    // MARK: Bytes

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard next < end, next.pointee == byte else { return false }
        next += 1
        return true
    }

    /// Whether these bytes, two at least, come next.
    @inline(__always)
    private func isNext(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard end - next >= bytes.count, next[1] == bytes[1] else { return false }
        return UnsafeBufferPointer(start: next, count: bytes.count).isEqual(to: bytes)
    }
}

extension Outcome.Kind {
    /// `allCases`, made once.
    static let inOrder = allCases
}
