internal import Logging
internal import NIOCore
internal import ServiceKit

/// What a child says beside its messages, in the agent's log: so many lines at most, and no secret that it was given.
struct ChildLog {
    private static let longestLine = 2048
    /// Lines at once, and a second.
    private static let burst = 50
    private static let perSecond = 5
    /// Shorter values would blot out words.
    private static let shortestSecret = 4
    /// What the message about a program that did not start shows of it.
    private static let longestWords = 200

    private let logger: Logger
    private let secrets: [[UInt8]]
    private let left: Counter
    private var rest: [UInt8] = []
    private var isCut = false
    private var room = Self.burst
    private var since: NIODeadline
    private var leftOut = 0
    /// The beginning of the last line.
    private var lastLine: [UInt8] = []

    init(_ logger: Logger, secrets: [String], left: Counter, now: NIODeadline) {
        self.logger = logger
        // The longest first: one may be the beginning of another.
        self.secrets = secrets.map { Array($0.utf8) }.filter { $0.count >= Self.shortestSecret }
            .sorted { $0.count > $1.count }
        self.left = left
        since = now
    }

    /// Takes what the child wrote to its standard error.
    mutating func take(_ bytes: ByteBuffer, now: NIODeadline) {
        bytes.withUnsafeReadableBytes { bytes in
            var bytes = bytes[...]
            while let length = bytes.firstIndex(of: UInt8(ascii: "\n")).map({ $0 - bytes.startIndex }) {
                append(bytes.prefix(length))
                end(now)
                bytes = bytes.dropFirst(length + 1)
            }
            append(bytes)
        }
    }

    private mutating func append(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let kept = bytes.prefix(Self.longestLine - rest.count)
        rest += kept
        if kept.count < bytes.count { isCut = true }
    }

    /// The last line, for who wants to know why the child has ended.
    var last: String? {
        guard !lastLine.isEmpty else { return nil }
        return Self.words(Redaction.redacted(String(decoding: cleared(lastLine, isCut: true), as: UTF8.self)))
    }

    /// Takes a line of its standard output that is no message.
    mutating func take(noise line: ByteBuffer, now: NIODeadline) {
        write(Array(line.readableBytesView.prefix(Self.longestLine)), isCut: line.readableBytes > Self.longestLine, now)
    }

    /// Ends a line that was begun.
    mutating func end(_ now: NIODeadline) {
        defer {
            rest = []
            isCut = false
        }
        if !rest.isEmpty { write(rest, isCut: isCut, now) }
    }

    private mutating func write(_ line: [UInt8], isCut: Bool, _ now: NIODeadline) {
        lastLine = line
        let seconds = Int((now - since).nanoseconds / 1_000_000_000)
        if seconds > 0 {
            room = min(Self.burst, room + seconds * Self.perSecond)
            since = now
        }
        guard room > 0 else {
            leftOut += 1
            left.add()
            return
        }
        room -= 1
        if leftOut > 0 {
            logger.warning("A program said more than is kept.", metadata: ["lines": "\(leftOut)"])
            leftOut = 0
        }
        var text = Redaction.redacted(String(decoding: cleared(line, isCut: isCut), as: UTF8.self))
        if isCut { text += " ..." }
        logger.info("A program of a server said something.", metadata: ["line": "\(text)"])
    }

    /// The line with every secret taken out, and the beginning of one that the end of a cut line leaves.
    private func cleared(_ line: [UInt8], isCut: Bool) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        next: while index < line.count {
            for secret in secrets {
                let found = line[index...].prefix(secret.count)
                let isWhole = found.elementsEqual(secret)
                guard isWhole || isCut && found.count >= Self.shortestSecret && secret.starts(with: found) else {
                    continue
                }
                output += Array(Redaction.mark.utf8)
                index += found.count
                continue next
            }
            output.append(line[index])
            index += 1
        }
        return output
    }

    /// Text of a program on one line, for messages.
    static func words(_ text: String) -> String {
        String(
            text.unicodeScalars.prefix(longestWords).map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) }
        )
    }
}
