/// Reads the head of one response (RFC 9112) out of a buffer that grows, strictly, and skips interim ones (1xx).
///
/// Used like `RequestHeadScanner`. The request was neither HEAD nor CONNECT, and asked for no content coding.
package struct ResponseHeadScanner: Sendable {
    /// Valid once `scan` has returned `complete`.
    package private(set) var head = ResponseHead()

    private var lines: FieldLines
    private var framing = FramingFields()
    private var connection: ConnectionOptions = []
    private var isFirstMinor = false
    private var count = 0
    private var interims = 0
    private var isStarted = false
    private let maxFields: Int
    private static let maxInterims = 8

    /// - Parameters:
    ///   - maxBytes: the longest head, interim responses included, in bytes.
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
                    if let problem = readStatusLine(bytes, line) { return .refused(problem) }
                    isStarted = true
                    head.setFieldsStart(lines.lineStart)
                } else if !line.isEmpty {
                    if let problem = readField(bytes, line) { return .refused(problem) }
                } else if head.status < 200 {
                    interims += 1
                    if head.status == 101 { return .refused(.protocolSwitch) }
                    guard interims <= Self.maxInterims else { return .refused(.interimResponse) }
                    startAgain()
                } else {
                    if let problem = end() { return .refused(problem) }
                    return .complete
                }
            }
        }
    }

    /// `HTTP/1.x SP DIGIT DIGIT DIGIT [SP reason]`: the space behind a missing reason is often missing too.
    private mutating func readStatusLine(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> HeadProblem? {
        let start = line.lowerBound
        let expected: StaticString = "HTTP/1."
        guard line.count >= 12, (0..<7).allSatisfy({ bytes[start + $0] == expected.utf8Start[$0] }),
            bytes[start + 8] == UInt8(ascii: " "),
            line.count == 12 || bytes[start + 12] == UInt8(ascii: " "),
            let status = ByteScan.decimal(bytes, start + 9..<start + 12), (100...599).contains(status)
        else { return .startLine }
        switch bytes[start + 7] {
        case UInt8(ascii: "1"): isFirstMinor = true
        case UInt8(ascii: "0"): isFirstMinor = false
        default: return .version
        }
        head.status = status
        return nil
    }

    private mutating func readField(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> HeadProblem? {
        guard let field = FieldLines.field(bytes, line) else { return .fieldLine }
        count += 1
        guard count <= maxFields else { return .tooManyFields }
        let name = field.name.range
        guard let known = ResponseField.candidate(length: name.count, first: bytes[name.lowerBound]),
            ByteScan.matches(known.name, in: bytes, name)
        else {
            return FieldLines.isToken(bytes, name) ? nil : .fieldLine
        }
        let isFirst = !head.has(known)
        if isFirst { head.set(known, field.value) }
        let value = field.value.range
        switch known {
        case .connection: connection.formUnion(ConnectionOptions(bytes, value))
        case .wwwAuthenticate, .retryAfter: break
        case .keepAlive: head.keepAliveSeconds = Self.timeout(bytes, value) ?? head.keepAliveSeconds
        case .contentEncoding: head.isEncoded = head.isEncoded || !Self.isIdentity(bytes, value)
        case _ where !isFirst: return .repeatedField
        case .contentLength: return framing.add(length: value, in: bytes)
        case .transferEncoding: return framing.add(transferCoding: value, in: bytes)
        case .contentType: head.contentType = MediaType(bytes, value)
        case .sessionID, .location: break
        }
        return nil
    }

    private mutating func startAgain() {
        head = ResponseHead()
        framing = FramingFields()
        connection = []
        isStarted = false
    }

    private mutating func end() -> HeadProblem? {
        head.length = lines.lineStart
        // These never have a body, whatever their head says of the body of another answer.
        let hasBody = head.status != 204 && head.status != 304
        head.framing = hasBody ? framing.framing(otherwise: .untilClose) : .none
        // A recipient of 1.0 that takes chunks from a sender of 1.0 is how two readers come to disagree.
        if !isFirstMinor, framing.isChunked { return .transferCoding }
        head.keepsAlive = isFirstMinor && !connection.contains(.close) && head.framing != .untilClose
        return head.isEncoded && head.status < 300 && head.framing != .none ? .contentCoding : nil
    }

    private static func isIdentity(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) -> Bool {
        value.isEmpty || ByteScan.matches("identity", in: bytes, value)
    }

    /// The parameter `timeout` of `Keep-Alive` (RFC 2068 section 19.7.1.1, as servers still send it).
    private static func timeout(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) -> Int? {
        var start = value.lowerBound
        while start < value.upperBound {
            let end = ByteScan.first(UInt8(ascii: ","), in: bytes, start..<value.upperBound)
            let equals = ByteScan.first(UInt8(ascii: "="), in: bytes, start..<end)
            if equals < end, ByteScan.matches("timeout", in: bytes, ByteScan.trimmed(bytes, start..<equals)) {
                return ByteScan.decimal(bytes, ByteScan.trimmed(bytes, equals + 1..<end))
            }
            start = end + 1
        }
        return nil
    }
}
