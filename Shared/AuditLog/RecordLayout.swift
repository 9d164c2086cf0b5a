internal import StrictJSON

/// The form of records laid out for a pass over bytes: what each member begins with, and which bytes its value may hold.
///
/// Made once and kept for ever, of pointers alone: what is looked at for each byte must not count references.
struct RecordLayout: @unchecked Sendable {  // Nothing of it changes once it is made.
    struct Member {
        /// `"name":`.
        let key: UnsafeBufferPointer<UInt8>
        let value: Value
        let slot: RecordForm.Slot?
    }

    enum Value {
        case text(Text)
        case hashOrEmpty(Text)
        case time(Text)
        case word(UnsafeBufferPointer<UnsafeBufferPointer<UInt8>>)
        case integer(least: Int, most: Int)
        case list(of: Text, most: Int)
        case object(RecordLayout)
    }

    /// A form of text without escapes.
    struct Text {
        /// Which bytes.
        let bytes: ByteSet
        /// Which bytes in the last place, where it matters.
        let last: ByteSet
        let least: Int
        let most: Int
        /// What precedes them.
        let start: UnsafeBufferPointer<UInt8>
    }

    /// Sorted by name, as in `RecordForm.members`.
    let members: UnsafeBufferPointer<Member>
    let required: UInt64
    /// For each byte the sets that hold it.
    let sets: UnsafePointer<UInt16>

    /// The records that a verifier takes, and those that a coordinator does.
    static let any = RecordLayout(.record, names: .name)
    static let plain = RecordLayout(.record, names: .plainName)

    private init(_ form: RecordForm, names: LeafText, sets: UnsafePointer<UInt16> = ByteSet.table()) {
        self.sets = sets
        members = Self.kept(
            form.members.map { member in
                Member(
                    key: Self.kept(Array("\"\(member.name)\":".utf8)),
                    value: Self.value(member.value, names: names, sets: sets),
                    slot: member.slot
                )
            }
        )
        required = form.required
    }

    private static func value(
        _ value: RecordForm.Value,
        names: LeafText,
        sets: UnsafePointer<UInt16>
    ) -> Value {
        switch value {
        case .text(let form): .text(text(form, names: names))
        case .hashOrEmpty: .hashOrEmpty(text(.hash, names: names))
        case .time: .time(Text(bytes: .printable, last: .printable, least: 27, most: 27, start: kept([])))
        case .word(let words): .word(kept(words.map { kept(Array($0.utf8)) }))
        case .count: .integer(least: 0, most: 1 << 53 - 1)
        case .integer: .integer(least: -(1 << 53 - 1), most: 1 << 53 - 1)
        case .one: .integer(least: 1, most: 1)
        case .list(let form, let most): .list(of: text(form, names: names), most: most)
        case .object(let form): .object(RecordLayout(form, names: names, sets: sets))
        }
    }

    private static func text(_ form: LeafText, names: LeafText) -> Text {
        func text(_ bytes: ByteSet, _ count: ClosedRange<Int>, last: ByteSet? = nil, start: String = "") -> Text {
            Text(
                bytes: bytes,
                last: last ?? bytes,
                least: count.lowerBound,
                most: count.upperBound,
                start: kept(Array(start.utf8))
            )
        }
        return switch form == .name ? names : form {
        case .agent: text(.agent, 1...64)
        case .word: text(.word, 1...64)
        case .name: text(.printable, 0...RecordName.maxBytes)
        case .plainName: text(.name, 1...RecordName.maxBytes)
        case .id: text(.hex, 32...32)
        case .salt: text(.base64, 22...22, last: .base64End4)
        case .hash: text(.base64, 43...43, last: .base64End2)
        case .fingerprint: text(.base64, 43...43, last: .base64End2, start: "SHA256:")
        }
    }

    private static func kept<Element>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
        let room = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = room.initialize(from: elements)
        return UnsafeBufferPointer(room)
    }
}

/// Sets of bytes; one look in a table tells whether they hold a byte.
struct ByteSet: OptionSet, Sendable {
    let rawValue: UInt16

    static let agent = Self(rawValue: 1), word = Self(rawValue: 2), name = Self(rawValue: 4)
    static let hex = Self(rawValue: 8), base64 = Self(rawValue: 16)
    /// The last characters of base64url whose last 4, or 2, bits are left over, and so are zero.
    static let base64End4 = Self(rawValue: 32), base64End2 = Self(rawValue: 64)
    /// Printable ASCII that is not escaped in JSON.
    static let printable = Self(rawValue: 128)

    /// For each byte the sets that hold it.
    static func table() -> UnsafePointer<UInt16> {
        let table = UnsafeMutablePointer<UInt16>.allocate(capacity: 256)
        for byte in UInt8.min ... .max {
            var sets: ByteSet = []
            if LeafText.agent.holds([byte]) { sets.insert(.agent) }
            if LeafText.word.holds([byte]) { sets.insert(.word) }
            if LeafText.plainName.holds([byte]) { sets.insert(.name) }
            if LeafText.id.holds(Array(repeating: byte, count: 32)) { sets.insert(.hex) }
            let before = [UInt8](repeating: UInt8(ascii: "A"), count: 42)
            if LeafText.hash.holds([byte] + before) { sets.insert(.base64) }
            if LeafText.hash.holds(before + [byte]) { sets.insert(.base64End2) }
            if LeafText.salt.holds(before.prefix(21) + [byte]) { sets.insert(.base64End4) }
            if (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                sets.insert(.printable)
            }
            table[Int(byte)] = sets.rawValue
        }
        return UnsafePointer(table)
    }
}
