import NIOCore
import Wire

/// Takes a response's body out of what is read, as slices of it.
struct BodyReader {
    enum Step {
        case data(ByteBuffer)
        case incomplete
        /// The body is whole; what is left in the buffer does not belong to it.
        case ended
        case malformed
    }

    private enum Rest {
        case fixed(Int)
        case chunked
        case untilClose
    }

    private var rest: Rest
    private var chunks = ChunkDecoder()

    init(_ framing: BodyFraming) {
        rest =
            switch framing {
            case .none: .fixed(0)
            case .fixed(let count): .fixed(count)
            case .chunked: .chunked
            case .untilClose: .untilClose
            }
    }

    /// Whether the end of the connection is the end of the body.
    var endsWithConnection: Bool {
        if case .untilClose = rest { return true }
        return false
    }

    mutating func next(_ buffer: inout ByteBuffer) -> Step {
        switch rest {
        case .fixed(0): return .ended
        case .fixed(let count):
            guard let slice = buffer.readSlice(length: min(count, buffer.readableBytes)), slice.readableBytes > 0 else {
                return .incomplete
            }
            rest = .fixed(count - slice.readableBytes)
            return .data(slice)
        case .untilClose:
            guard let slice = buffer.readSlice(length: buffer.readableBytes), slice.readableBytes > 0 else {
                return .incomplete
            }
            return .data(slice)
        case .chunked: return nextChunk(&buffer)
        }
    }

    private mutating func nextChunk(_ buffer: inout ByteBuffer) -> Step {
        var position = 0
        let step = buffer.withUnsafeReadableBytes { chunks.next($0, from: &position) }
        switch step {
        case .data(let range):
            buffer.moveReaderIndex(forwardBy: range.lowerBound)
            guard let slice = buffer.readSlice(length: range.count) else { return .malformed }
            return .data(slice)
        case .incomplete:
            buffer.moveReaderIndex(forwardBy: position)
            return .incomplete
        case .ended:
            buffer.moveReaderIndex(forwardBy: position)
            return .ended
        case .malformed: return .malformed
        }
    }
}
