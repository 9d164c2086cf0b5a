internal import Wire

/// Reads the requests of one connection out of a buffer that grows: heads, then bodies, one request after the other.
///
/// It holds no bytes but those of a chunked body, which lie in pieces on the wire. The caller asks `next` until it says
/// `incomplete`, then drops what `takenOut` says; and after a `request` was dealt with drops `length` bytes and calls
/// `startAgain`.
struct RequestReader {
    /// What was found.
    enum Step: Equatable {
        /// More bytes are needed.
        case incomplete
        /// The head is whole: `head` is valid. Look at it, then ask on for the body.
        case head
        /// The request is whole.
        case request
        /// Answer with this status and close.
        case refused(status: Int, message: String)
    }

    private enum State {
        case head, body, whole, refused
    }

    private var scanner: RequestHeadScanner
    private var state = State.head
    private var chunks = ChunkDecoder()
    private var position = 0
    private let longestHead: Int
    private let longestBody: Int

    /// A chunked body, taken out of its chunks.
    private(set) var joinedBody: [UInt8] = []
    /// The number of bytes of the request, once it is whole.
    private(set) var length = 0

    init(longestHead: Int, longestBody: Int) {
        self.longestHead = longestHead
        self.longestBody = longestBody
        scanner = RequestHeadScanner(maxBytes: longestHead)
    }

    /// Valid from `Step.head` on.
    var head: RequestHead {
        _read { yield scanner.head }
    }

    /// Whether a head has begun and is not whole, or a body is not.
    var isWaitingForBody: Bool { state == .body }

    /// Where a body that is not chunked is; empty without a body.
    var bodyRange: Range<Int>? {
        switch scanner.head.framing {
        case .none: scanner.head.length..<scanner.head.length
        case .fixed(let count): scanner.head.length..<scanner.head.length + count
        case .chunked, .untilClose: nil
        }
    }

    /// Reads on; `bytes` begins with the request's first byte, as before, and is as long or longer, but for what
    /// `takenOut` said.
    mutating func next(_ bytes: UnsafeRawBufferPointer) -> Step {
        switch state {
        case .head: scanHead(bytes)
        case .body: scanBody(bytes)
        case .whole: .request
        case .refused: .incomplete
        }
    }

    /// The number of bytes at the end of the buffer that the caller drops, since chunks were taken out of them.
    ///
    /// Chunks of one byte would else be kept at many times their size.
    mutating func takenOut() -> Int {
        // Chunks are read to the end of what is there, or to the end of the body.
        guard state == .body, scanner.head.framing == .chunked else { return 0 }
        defer { position = scanner.head.length }
        return position - scanner.head.length
    }

    /// Makes ready for the next request, whose first byte is now the first one in the buffer.
    mutating func startAgain() {
        scanner = RequestHeadScanner(maxBytes: longestHead)
        state = .head
        chunks = ChunkDecoder()
        position = 0
        length = 0
        joinedBody = []
    }

    private mutating func scanHead(_ bytes: UnsafeRawBufferPointer) -> Step {
        switch scanner.scan(bytes) {
        case .incomplete:
            return .incomplete
        case .refused(let problem):
            return refuse(problem.status, problem.message)
        case .complete:
            position = scanner.head.length
            state = .body
            if case .fixed(let count) = scanner.head.framing, count > longestBody { return tooLong() }
            return .head
        }
    }

    private mutating func scanBody(_ bytes: UnsafeRawBufferPointer) -> Step {
        switch scanner.head.framing {
        case .none:
            return finish(at: position)
        case .fixed(let count):
            return bytes.count >= position + count ? finish(at: position + count) : .incomplete
        case .chunked:
            return scanChunks(bytes)
        case .untilClose:
            return refuse(400, "The body has no end.")
        }
    }

    private mutating func scanChunks(_ bytes: UnsafeRawBufferPointer) -> Step {
        while true {
            switch chunks.next(bytes, from: &position) {
            case .data(let range):
                guard joinedBody.count + range.count <= longestBody else { return tooLong() }
                joinedBody.append(contentsOf: bytes[range])
            case .incomplete:
                return .incomplete
            case .ended:
                return finish(at: position)
            case .malformed:
                return refuse(400, "The chunks of the body are malformed.")
            }
        }
    }

    private mutating func finish(at end: Int) -> Step {
        length = end
        state = .whole
        return .request
    }

    private mutating func tooLong() -> Step { refuse(413, "The body is too long.") }

    private mutating func refuse(_ status: Int, _ message: String) -> Step {
        state = .refused
        joinedBody = []
        return .refused(status: status, message: message)
    }
}
