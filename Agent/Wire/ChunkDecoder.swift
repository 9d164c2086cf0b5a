/// Takes the chunks of a body apart (RFC 9112 section 7.1), in whatever pieces they come, and keeps no bytes.
///
/// Strict: CRLF and nothing else ends a line, sizes are bounded, extensions and trailers are bounded, checked for control
/// characters and dropped.
package struct ChunkDecoder: Sendable {
    /// What was found in the bytes at hand.
    package enum Step: Hashable, Sendable {
        /// Bytes of the body, as a range of what was passed.
        case data(Range<Int>)
        /// All was read; go on with the next bytes.
        case incomplete
        /// The body has ended; the bytes behind `position` are not part of it.
        case ended
        /// These bytes are not chunks: close the connection.
        case malformed
    }

    private enum State {
        case sizeStart, size, extensions, sizeFeed, data, dataReturn, dataFeed
        case trailerStart, trailer, trailerFeed, lastFeed, ended
    }

    private var state = State.sizeStart
    private var remaining = 0
    private var digits = 0
    private var dropped = 0
    private static let maxDigits = 12
    private static let maxDropped = 8192

    package init() {}

    /// Whether the last chunk and its trailers have been read.
    package var hasEnded: Bool { state == .ended }

    /// Reads on in `bytes` from `position`, and moves it; to be called until it returns something other than `data`.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, from position: inout Int) -> Step {
        while position < bytes.count {
            if state == .data {
                let count = min(remaining, bytes.count - position)
                remaining -= count
                if remaining == 0 { state = .dataReturn }
                position += count
                return .data(position - count..<position)
            }
            if state == .ended { return .ended }
            guard accept(bytes[position]) else { return .malformed }
            position += 1
        }
        return state == .ended ? .ended : .incomplete
    }

    /// Takes one byte that is not data; false where it may not be.
    private mutating func accept(_ byte: UInt8) -> Bool {
        switch state {
        case .sizeStart, .size: return acceptSize(byte)
        case .extensions: return acceptDropped(byte, returnLeadsTo: .sizeFeed)
        case .sizeFeed:
            state = remaining == 0 ? .trailerStart : .data
            return byte == 0x0A
        case .dataReturn:
            state = .dataFeed
            return byte == 0x0D
        case .dataFeed:
            state = .sizeStart
            return byte == 0x0A
        case .trailerStart:
            if byte == 0x0D {
                state = .lastFeed
                return true
            }
            state = .trailer
            return byte != 0x20 && byte != 0x09 && acceptDropped(byte, returnLeadsTo: .trailerFeed)
        case .trailer: return acceptDropped(byte, returnLeadsTo: .trailerFeed)
        case .trailerFeed:
            state = .trailerStart
            return byte == 0x0A
        case .lastFeed:
            state = .ended
            return byte == 0x0A
        case .data, .ended: return false
        }
    }

    private mutating func acceptSize(_ byte: UInt8) -> Bool {
        let digit: Int
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = Int(byte) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = Int(byte) - 0x61 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = Int(byte) - 0x41 + 10
        case UInt8(ascii: ";") where state == .size:
            state = .extensions
            return true
        case 0x0D where state == .size:
            state = .sizeFeed
            return true
        default: return false
        }
        if state == .sizeStart {
            state = .size
            remaining = 0
            digits = 0
        }
        remaining = remaining << 4 | digit
        digits += 1
        return digits <= Self.maxDigits
    }

    private mutating func acceptDropped(_ byte: UInt8, returnLeadsTo next: State) -> Bool {
        if byte == 0x0D {
            state = next
            return true
        }
        dropped += 1
        return dropped <= Self.maxDropped && (byte >= 0x20 && byte != 0x7F || byte == 0x09)
    }
}
