internal import AuditLog
internal import Bytes
internal import Glibc
internal import StrictJSON
internal import TransparencyLog

/// What the spool has to know of a record in a file, without reading all of it.
///
/// A quotation mark in a value is escaped, so `"kind":"` can only be a member; no nested object has such a member.
enum RecordLine {
    enum Kind { case begin, end, deny, other }

    static func kind(_ line: UnsafeRawBufferPointer) -> Kind {
        guard let start = offset(of: kindMember, in: line) else { return .other }
        let value = UnsafeRawBufferPointer(rebasing: line[start...])
        if value.starts(with: beginValue) { return .begin }
        if value.starts(with: endValue) { return .end }
        return value.starts(with: denyValue) ? .deny : .other
    }

    /// The number of a record that was checked already; nil if it has none.
    static func knownNumber(_ line: UnsafeRawBufferPointer) -> UInt64? {
        guard let start = offset(of: numberMember, in: line) else { return nil }
        var number: UInt64 = 0
        for byte in line[start...] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
            number = number &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
        }
        return number
    }

    /// The call that a record is about; nil if it is about none.
    static func call(_ line: UnsafeRawBufferPointer) -> RandomID? {
        guard let start = offset(of: callMember, in: line), start + 32 <= line.count else { return nil }
        return RandomID(hex: UnsafeRawBufferPointer(rebasing: line[start..<start + 32]))
    }

    /// The facts of a `call.begin`, for the `call.end` that has to follow; nil for any other record.
    static func facts(_ line: [UInt8]) -> CallAttributes? {
        line.withUnsafeBytes(plainFacts) ?? parsedFacts(line)
    }

    /// The same of a line without an escape in these members, which is nearly every one: there may be many.
    private static func plainFacts(_ line: UnsafeRawBufferPointer) -> CallAttributes? {
        guard kind(line) == .begin, let call = call(line),
            let trace = text("trace", in: line).flatMap({ RandomID(hex: $0.utf8) }),
            let client = text("id", in: line), let server = text("srv", in: line),
            let method = text("method", in: line),
            let how = offset(of: Array("\"client\":{\"how\":\"".utf8), in: line, from: UInt8(ascii: "\"")),
            let proof = ClientProof(rawValue: String(decoding: line[how...].prefix { $0 != quote }, as: UTF8.self))
        else { return nil }
        let item: CallItem
        if let tool = text("tool", in: line) {
            item = .tool(tool)
        } else if let prompt = text("prompt", in: line) {
            item = .prompt(prompt)
        } else if offset(of: member("uri_hash"), in: line) == nil, offset(of: member("tool"), in: line) == nil,
            offset(of: member("prompt"), in: line) == nil
        {
            item = .none
        } else {
            return nil
        }
        return CallAttributes(
            call: call,
            trace: trace,
            client: client,
            how: proof,
            server: server,
            method: method,
            item: item
        )
    }

    private static let quote = UInt8(ascii: "\"")

    private static func member(_ name: String) -> [UInt8] { Array(",\"\(name)\":\"".utf8) }

    /// A text member; nil if it is missing or has an escape.
    private static func text(_ name: String, in line: UnsafeRawBufferPointer) -> JSONText? {
        guard let start = offset(of: member(name), in: line) else { return nil }
        let value = line[start...].prefix { $0 != quote }
        return value.contains(UInt8(ascii: "\\")) ? nil : JSONText(utf8: Array(value))
    }

    private static func parsedFacts(_ line: [UInt8]) -> CallAttributes? {
        guard let record = try? JSONValue(canonical: line), record["kind"]?.text == "call.begin",
            let call = record["call"]?.string.flatMap({ RandomID(hex: $0.utf8) }),
            let trace = record["trace"]?.string.flatMap({ RandomID(hex: $0.utf8) }),
            let client = record["client"]?["id"]?.string,
            let how = record["client"]?["how"]?.text.flatMap(ClientProof.init(rawValue:)),
            let server = record["srv"]?.string, let method = record["method"]?.string
        else { return nil }
        let item: CallItem
        if let tool = record["tool"]?.string {
            item = .tool(tool)
        } else if let prompt = record["prompt"]?.string {
            item = .prompt(prompt)
        } else if let text = record["uri_hash"]?.text, let hash = Hash(base64URL: text) {
            item = .resource(hash)
        } else {
            item = .none
        }
        return CallAttributes(
            call: call,
            trace: trace,
            client: client,
            how: how,
            server: server,
            method: method,
            item: item
        )
    }

    /// The number of a record; nil if the bytes are not one canonical record.
    static func number(_ line: ArraySlice<UInt8>) -> UInt64? {
        guard let record = try? JSONValue(canonical: Array(line)), record["v"]?.int == 1,
            record["kind"]?.string != nil, let number = record["seq"]?.int, number >= 0
        else { return nil }
        return UInt64(number)
    }

    /// The same record under another number; nil if the bytes are not a record.
    static func renumbered(_ line: [UInt8], _ number: UInt64) -> [UInt8]? {
        guard case .object(var record)? = try? JSONValue(canonical: line), record["seq"] != nil else { return nil }
        record["seq"] = .int(Int(number))
        return try? JSONValue.object(record).canonicalBytes()
    }

    private static let kindMember = Array(",\"kind\":\"".utf8)
    private static let beginValue = Array("call.begin\"".utf8)
    private static let endValue = Array("call.end\"".utf8)
    private static let denyValue = Array("call.deny\"".utf8)
    private static let numberMember = Array(",\"seq\":".utf8)
    private static let callMember = Array(",\"call\":\"".utf8)

    /// Where the value behind a member's name, given with the comma before it, begins.
    private static func offset(
        of member: [UInt8],
        in line: UnsafeRawBufferPointer,
        from first: UInt8 = UInt8(ascii: ",")
    ) -> Int? {
        guard let start = line.baseAddress else { return nil }
        var place = 0
        while let found = memchr(start + place, Int32(first), line.count - place) {
            place = UnsafeRawPointer(found) - start
            guard place + member.count <= line.count else { return nil }
            if memcmp(start + place, member, member.count) == 0 { return place + member.count }
            place += 1
        }
        return nil
    }
}
