/// Reads the head of one request (RFC 9112) out of a buffer that grows, strictly: what two readers could read differently
/// is refused.
///
/// Call `scan` with the buffer from the first byte of the head on, again and again as it grows; what was looked at is not
/// looked at again. Nothing is allocated or copied. Bytes behind the head (a body, the next request) do no harm. One
/// scanner reads one head: after `complete` or `refused` take a new one.
package struct RequestHeadScanner: Sendable {
    /// Valid once `scan` has returned `complete`.
    package private(set) var head = RequestHead()

    private var lines: FieldLines
    private var framing = FramingFields()
    private var connection: ConnectionOptions = []
    private var count = 0
    private var isStarted = false
    private let maxFields: Int

    /// - Parameters:
    ///   - maxBytes: the longest head, in bytes.
    ///   - maxFields: the largest number of fields.
    package init(maxBytes: Int = 65536, maxFields: Int = 100) {
        lines = FieldLines(limit: maxBytes)
        self.maxFields = maxFields
    }

    /// Reads on; `bytes` begins where it began before, and is as long or longer.
    package mutating func scan(_ bytes: UnsafeRawBufferPointer) -> HeadScan {
        while true {
            switch lines.next(in: bytes) {
            case .incomplete:
                return .incomplete
            case .refused(let problem):
                return .refused(problem)
            case .line(let line):
                if !isStarted {
                    if let problem = readRequestLine(bytes, line) { return .refused(problem) }
                    isStarted = true
                    head.setFieldsStart(lines.lineStart)
                } else if line.isEmpty {
                    head.length = lines.lineStart
                    head.framing = framing.framing(otherwise: .none)
                    head.keepsAlive = !connection.contains(.close)
                    return .complete
                } else if let problem = readField(bytes, line) {
                    return .refused(problem)
                }
            }
        }
    }

    private mutating func readRequestLine(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> HeadProblem? {
        let space = UInt8(ascii: " ")
        let methodEnd = ByteScan.first(space, in: bytes, line)
        guard FieldLines.isToken(bytes, line.lowerBound..<methodEnd), methodEnd < line.upperBound else {
            return .startLine
        }
        let targetEnd = ByteScan.first(space, in: bytes, methodEnd + 1..<line.upperBound)
        guard targetEnd < line.upperBound else { return .startLine }
        if let problem = Self.checkVersion(bytes, targetEnd + 1..<line.upperBound) { return problem }
        let target = methodEnd + 1..<targetEnd
        // Only origin form: an absolute one names a second host beside `Host`.
        guard FieldLines.isPathAndQuery(bytes, target), bytes[target.lowerBound] == UInt8(ascii: "/") else {
            return .target
        }
        head.method = RequestMethod(bytes, line.lowerBound..<methodEnd)
        head.methodName = ByteSpan(line.lowerBound, methodEnd)
        let mark = ByteScan.first(UInt8(ascii: "?"), in: bytes, target)
        head.path = ByteSpan(target.lowerBound, mark)
        if mark < target.upperBound { head.query = ByteSpan(mark + 1, target.upperBound) }
        return nil
    }

    /// `HTTP/1.1` and nothing else: a client of 1.0 could be sent neither chunks nor streams.
    private static func checkVersion(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> HeadProblem? {
        let expected: StaticString = "HTTP/1.1"
        guard range.count == 8 else { return .startLine }
        for index in 0..<8 where bytes[range.lowerBound + index] != expected.utf8Start[index] {
            let isDigit = (0x30...0x39).contains(bytes[range.lowerBound + index])
            return (index == 5 || index == 7) && isDigit ? .version : .startLine
        }
        return nil
    }

    private mutating func readField(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> HeadProblem? {
        guard let field = FieldLines.field(bytes, line) else { return .fieldLine }
        count += 1
        guard count <= maxFields else { return .tooManyFields }
        let name = field.name.range
        guard let known = RequestField.candidate(length: name.count, first: bytes[name.lowerBound]),
            ByteScan.matches(known.name, in: bytes, name)
        else {
            guard FieldLines.isToken(bytes, name) else { return .fieldLine }
            return readParameter(bytes, field)
        }
        let isFirst = !head.has(known)
        if isFirst { head.set(known, field.value) }
        let value = field.value.range
        switch known {
        case .accept:
            head.accepts.formUnion(AcceptedTypes(bytes, value))
            if !isFirst { head.hasMoreAccept = true }
        case .connection: connection.formUnion(ConnectionOptions(bytes, value))
        case _ where !isFirst: return .repeatedField
        case .contentLength: return framing.add(length: value, in: bytes)
        case .transferEncoding: return framing.add(transferCoding: value, in: bytes)
        case .contentType: head.contentType = MediaType(bytes, value)
        case .expect:
            guard ByteScan.matches("100-continue", in: bytes, value) else { return .expectation }
            head.expectsContinue = true
        case .host, .origin, .authorization, .sessionID, .protocolVersion, .method, .name, .lastEventID, .traceparent,
            .fetchSite, .account, .client, .userAgent, .requestedHeaders, .contentEncoding:
            break
        }
        return nil
    }

    /// Takes note of a field `Mcp-...` without a place of its own; refuses one that has the name of one before it.
    private mutating func readParameter(_ bytes: UnsafeRawBufferPointer, _ field: HeadField) -> HeadProblem? {
        let name = field.name.range
        guard name.count > 4, ByteScan.matches("mcp-", in: bytes, name.lowerBound..<name.lowerBound + 4) else {
            return nil
        }
        head.hasParameters = true
        for earlier in head.fields(in: bytes, upTo: Int(field.name.lower)) {
            let other = earlier.name.range
            guard other.count == name.count else { continue }
            let isSame = zip(other, name).allSatisfy { Self.folded(bytes[$0]) == Self.folded(bytes[$1]) }
            if isSame { return .repeatedField }
        }
        return nil
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }
}
