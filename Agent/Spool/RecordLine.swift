internal import AuditLog
internal import Glibc
internal import StrictJSON

/// What the spool has to know of a record that stands in a file, without reading all of it.
///
/// A quotation mark in a value is escaped, so `"kind":"` can only be a member; of nested objects none has such a one.
enum RecordLine {
    enum Kind { case begin, end, other }

    static func kind(_ line: UnsafeRawBufferPointer) -> Kind {
        guard let start = offset(of: kindMember, in: line) else { return .other }
        let value = UnsafeRawBufferPointer(rebasing: line[start...])
        if value.starts(with: beginValue) { return .begin }
        return value.starts(with: endValue) ? .end : .other
    }

    /// The call that a record is about; nil if it is about none.
    static func call(_ line: UnsafeRawBufferPointer) -> AuditID? {
        guard let start = offset(of: callMember, in: line), start + 32 <= line.count else { return nil }
        return AuditID(hex: UnsafeRawBufferPointer(rebasing: line[start..<start + 32]))
    }

    /// The facts of a `call.begin`, for the `call.end` that has to follow; nil if it is none.
    static func facts(_ line: [UInt8]) -> CallFacts? {
        guard let record = try? JSONValue(canonical: line), record["kind"]?.text == "call.begin",
            let call = record["call"]?.string.flatMap({ AuditID(hex: $0.utf8) }),
            let trace = record["trace"]?.string.flatMap({ AuditID(hex: $0.utf8) }),
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
        return CallFacts(
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

    /// The same record under another number; nil if the bytes are no record.
    static func renumbered(_ line: [UInt8], _ number: UInt64) -> [UInt8]? {
        guard case .object(var record)? = try? JSONValue(canonical: line), record["seq"] != nil else { return nil }
        record["seq"] = .int(Int(number))
        return try? JSONValue.object(record).canonicalBytes()
    }

    private static let kindMember = Array(",\"kind\":\"".utf8)
    private static let beginValue = Array("call.begin\"".utf8)
    private static let endValue = Array("call.end\"".utf8)
    private static let callMember = Array(",\"call\":\"".utf8)

    /// Where the value behind a member's name, given with the comma before it, begins.
    private static func offset(of member: [UInt8], in line: UnsafeRawBufferPointer) -> Int? {
        guard let start = line.baseAddress else { return nil }
        var place = 0
        while let found = memchr(start + place, Int32(UInt8(ascii: ",")), line.count - place) {
            place = UnsafeRawPointer(found) - start
            guard place + member.count <= line.count else { return nil }
            if memcmp(start + place, member, member.count) == 0 { return place + member.count }
            place += 1
        }
        return nil
    }
}
