/// Cuts an event stream (WHATWG HTML section 9.2.6) into whole blocks in a buffer that grows.
///
/// A block is an event with the blank line that ends it, or a comment line before any field. Call `next` until it says
/// `incomplete`, then drop what `discard` says from the front of the buffer, append what arrives, and go on. What was
/// looked at is not looked at again, however the bytes come.
package struct EventStreamSplitter: Sendable {
    /// What was found.
    package enum Step: Hashable, Sendable {
        /// The next whole block.
        case event(ServerSentEvent)
        /// More bytes are needed.
        case incomplete
        /// A block is longer than the bound.
        case tooLarge
    }

    private enum LineBreak {
        case none, lone, pair
    }

    private let limit: Int
    private var event = ServerSentEvent(start: 0)
    private var lineStart = 0
    private var searched = 0
    private var hasFields = false
    private var isAtStart = true
    /// How the last line of this block ended: lone CRs are taken as line breaks once they are seen to be in use.
    private var lastBreak = LineBreak.none
    private var skipsFeed = false

    /// - Parameter maxEventBytes: the longest block, in bytes.
    package init(maxEventBytes: Int = 8 * 1024 * 1024) {
        limit = maxEventBytes
    }

    /// The offset up to which all blocks have been handed out; behind it a block has begun or the buffer is empty.
    package var consumed: Int { event.range.lowerBound }

    /// Forgets the blocks that were handed out: the caller drops so many bytes from the front of its buffer.
    ///
    /// - Returns: the number of bytes to drop.
    package mutating func discard() -> Int {
        let count = consumed
        guard count > 0 else { return 0 }
        lineStart -= count
        searched -= count
        event = event.moved(by: -count)
        return count
    }

    /// Reads on; `bytes` begins where it began before, but for what `discard` said.
    package mutating func next(in bytes: UnsafeRawBufferPointer) -> Step {
        guard skipPrefix(in: bytes) else { return .incomplete }
        while true {
            let end = ByteScan.firstLineBreak(in: bytes, from: max(searched, lineStart))
            searched = end
            guard let next = lineEnd(at: end, in: bytes) else {
                return bytes.count - event.range.lowerBound > limit ? .tooLarge : .incomplete
            }
            guard next - event.range.lowerBound <= limit else { return .tooLarge }
            let line = lineStart..<end
            lineStart = next
            searched = next
            if line.isEmpty { return .event(endBlock(at: next)) }
            if bytes[line.lowerBound] == UInt8(ascii: ":") {
                // Passed on at once: it keeps the connection alive, and changes nothing in any place.
                if !hasFields { return .event(endBlock(at: next)) }
            } else {
                hasFields = true
                read(EventField(bytes, line), in: bytes)
            }
        }
    }

    /// Skips a byte order mark at the very start, and the LF of a CRLF whose CR has already ended a block.
    private mutating func skipPrefix(in bytes: UnsafeRawBufferPointer) -> Bool {
        if isAtStart {
            let mark: StaticString = "\u{FEFF}"
            let count = min(3, bytes.count)
            if (0..<count).allSatisfy({ bytes[$0] == mark.utf8Start[$0] }) {
                guard count == 3 else { return false }
                lineStart = 3
            }
            isAtStart = false
        }
        if skipsFeed {
            guard lineStart < bytes.count else { return false }
            if bytes[lineStart] == 0x0A { lineStart += 1 }
            skipsFeed = false
        }
        return true
    }

    /// Where the line goes on that has its break at `end`; nil where that is not known yet.
    private mutating func lineEnd(at end: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard end < bytes.count else { return nil }
        if bytes[end] == 0x0A {
            lastBreak = .pair
            return end + 1
        }
        if end == lineStart, lastBreak == .lone {
            // Where lone CRs are in use the block ends here, and waits for no LF that may never come.
            skipsFeed = true
            return end + 1
        }
        guard end + 1 < bytes.count else { return nil }
        let isPair = bytes[end + 1] == 0x0A
        lastBreak = isPair ? .pair : .lone
        return end + (isPair ? 2 : 1)
    }

    private mutating func endBlock(at end: Int) -> ServerSentEvent {
        var whole = event
        whole.range = whole.range.lowerBound..<end
        event = ServerSentEvent(start: end)
        hasFields = false
        return whole
    }

    private mutating func read(_ field: EventField, in bytes: UnsafeRawBufferPointer) {
        switch field.name {
        case .data:
            if event.dataLines == 0 {
                event.firstData = field.value
                event.dataCount = field.value.count
            } else {
                event.dataCount += 1 + field.value.count
            }
            event.dataLines += 1
        case .id:
            if ByteScan.first(0, in: bytes, field.value) == field.value.upperBound { event.id = field.value }
        case .event:
            event.type = field.value
        case .retry:
            if ByteScan.decimal(bytes, field.value) != nil { event.retry = field.value }
        case .other:
            break
        }
    }
}

extension ServerSentEvent {
    fileprivate func moved(by offset: Int) -> Self {
        func move(_ range: Range<Int>) -> Range<Int> { range.lowerBound + offset..<range.upperBound + offset }
        var event = self
        event.range = move(range)
        event.firstData = move(firstData)
        event.id = id.map(move)
        event.type = type.map(move)
        event.retry = retry.map(move)
        return event
    }
}
