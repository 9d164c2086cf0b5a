/// A reader of heads that is slow and plain, to compare the scanners with: it takes the whole text apart in steps, each of
/// which is one sentence of RFC 9112.
struct ReferenceHead: Equatable {
    var startLine: String
    var fields: [[String]]
    var framing: String

    private static let tokenBytes = Set(
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8
    )
    private static let targetBytes = Set(
        "-._~!$&'()*+,;=:@/?%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8
    )
    private static let singles: Set<String> = [
        "host", "origin", "authorization", "content-type", "content-length", "transfer-encoding", "expect",
        "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id", "traceparent",
        "sec-fetch-site", "doorward-account", "user-agent",
    ]

    /// Nil where the head is refused or not whole.
    init?(request bytes: [UInt8]) {
        guard let end = Self.firstIndex(of: [13, 10, 13, 10], in: bytes) else { return nil }
        let lines = Self.lines(Array(bytes[..<(end + 2)]))
        guard let first = lines.first, let fields = Self.fields(Array(lines.dropFirst())) else { return nil }
        let parts = first.split(separator: 0x20, omittingEmptySubsequences: false).map(Array.init)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy({ Self.tokenBytes.contains($0) }),
            parts[1].first == 0x2F, parts[1].allSatisfy({ Self.targetBytes.contains($0) }),
            parts[2] == Array("HTTP/1.1".utf8)
        else { return nil }
        for name in Set(fields.map { $0.0 }) where Self.singles.contains(name) || name.hasPrefix("mcp-") {
            guard fields.count(where: { $0.0 == name }) == 1 else { return nil }
        }
        func value(_ name: String) -> [UInt8]? { fields.first { $0.0 == name }?.1 }
        framing = "none"
        if let coding = value("transfer-encoding") {
            guard Self.lower(coding) == "chunked", value("content-length") == nil else { return nil }
            framing = "chunked"
        } else if let length = value("content-length") {
            guard (1...18).contains(length.count), length.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            let number = Int(Self.lower(length)) ?? -1
            framing = number == 0 ? "none" : "fixed(\(number))"
        }
        if let expectation = value("expect"), Self.lower(expectation) != "100-continue" { return nil }
        startLine = String(decoding: first, as: UTF8.self)
        self.fields = fields.map { [$0.0, $0.1.map { String($0) }.joined(separator: ",")] }
    }

    private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes
        while let end = firstIndex(of: [13, 10], in: rest) {
            lines.append(Array(rest[..<end]))
            rest = Array(rest[(end + 2)...])
        }
        return lines
    }

    private static func fields(_ lines: [[UInt8]]) -> [(String, [UInt8])]? {
        var fields: [(String, [UInt8])] = []
        for line in lines {
            guard let colon = line.firstIndex(of: 0x3A), colon > 0,
                line[..<colon].allSatisfy({ tokenBytes.contains($0) }),
                line.allSatisfy({ $0 == 9 || ($0 >= 0x20 && $0 != 0x7F) })
            else { return nil }
            var value = line[(colon + 1)...]
            while let byte = value.first, byte == 0x20 || byte == 9 { value.removeFirst() }
            while let byte = value.last, byte == 0x20 || byte == 9 { value.removeLast() }
            fields.append((lower(Array(line[..<colon])), Array(value)))
        }
        return fields
    }

    private static func lower(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }

    private static func firstIndex(of mark: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= mark.count else { return nil }
        return (0...(bytes.count - mark.count)).first { Array(bytes[$0..<$0 + mark.count]) == mark }
    }
}
