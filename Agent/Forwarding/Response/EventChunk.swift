internal import NIOCore
internal import Wire

/// Lays out events for the client in one chunk, so that all that one read brought goes out in one write.
///
/// Each event is written anew from what was read and judged: whatever else was in the server's stream, and however it
/// was laid out, two readers cannot read two things in it.
struct EventChunk {
    private var buffer = ByteBuffer()
    /// Bytes of events that wait.
    private(set) var count = 0
    /// How long a client shall wait before it comes back, in digits: goes out with the next event.
    private var nextRetry: [UInt8]?

    /// Room for the size in front, whose length is known at the end.
    private static let room = ChunkHead.maxLength

    /// Appends an event.
    ///
    /// - Parameters:
    ///   - data: the message, which may take several lines.
    ///   - id: the event's id.
    mutating func append(data: UnsafeRawBufferPointer, id: UnsafeRawBufferPointer?) {
        begin(data.count + (id?.count ?? 0) + 64)
        let start = buffer.writerIndex
        appendID(id)
        if let retry = takeRetry() { retry.withUnsafeBytes { appendRetry($0) } }
        buffer.writeStaticString("event: message\r\n")
        appendLines(data)
        buffer.writeStaticString("\r\n")
        count += buffer.writerIndex - start
    }

    /// Appends an event that says its id and nothing else: from here on the stream can be taken up again.
    mutating func append(mark id: UnsafeRawBufferPointer) {
        begin(id.count + 128)
        let start = buffer.writerIndex
        appendID(id)
        if let retry = takeRetry() { retry.withUnsafeBytes { appendRetry($0) } }
        buffer.writeStaticString("data: \r\n\r\n")
        count += buffer.writerIndex - start
    }

    /// Takes note of how long a client shall wait before it comes back; more digits than a time can have are nonsense.
    mutating func note(retry: UnsafeRawBufferPointer) {
        if retry.count <= 12 { nextRetry = Array(retry) }
    }

    /// Appends what was noted of that, without an event.
    mutating func appendRetry() {
        guard let retry = takeRetry() else { return }
        begin(64)
        let start = buffer.writerIndex
        retry.withUnsafeBytes { appendRetry($0) }
        buffer.writeStaticString("\r\n")
        count += buffer.writerIndex - start
    }

    private mutating func takeRetry() -> [UInt8]? {
        guard nextRetry != nil else { return nil }
        defer { nextRetry = nil }
        return nextRetry
    }

    private mutating func appendRetry(_ retry: UnsafeRawBufferPointer) {
        buffer.writeStaticString("retry: ")
        buffer.writeBytes(retry)
        buffer.writeStaticString("\r\n")
    }

    /// Appends a comment, which keeps the connection from looking dead.
    mutating func appendComment() {
        begin(16)
        buffer.writeStaticString(":\r\n\r\n")
        count += 5
    }

    /// The chunk, with the last one behind it if the stream ends; nil if there is nothing to send.
    mutating func take(isLast: Bool) -> ByteBuffer? {
        guard count > 0 || isLast else { return nil }
        begin(16)
        if count > 0 {
            let size = count
            withUnsafeTemporaryAllocation(byteCount: Self.room, alignment: 1) { digits in
                let length = ChunkHead.write(size, to: digits)
                let start = buffer.readerIndex + Self.room - length
                buffer.setBytes(UnsafeRawBufferPointer(rebasing: digits[..<length]), at: start)
                buffer.moveReaderIndex(to: start)
            }
            buffer.writeStaticString(ChunkHead.tail)
        } else {
            buffer.moveReaderIndex(forwardBy: Self.room)
        }
        if isLast { buffer.writeStaticString(ChunkHead.last) }
        count = 0
        defer { if buffer.capacity > Self.mostKept { buffer = ByteBuffer() } }
        return buffer
    }

    /// The largest memory that is kept for the next chunk.
    private static let mostKept = 64 << 10

    /// Forgets what waits; `keepsRetry` where another event takes its place.
    mutating func clear(keepsRetry: Bool = false) {
        count = 0
        if !keepsRetry { nextRetry = nil }
    }

    private mutating func begin(_ capacity: Int) {
        if count == 0 {
            buffer.clear(minimumCapacity: Self.room + capacity)
            buffer.writeRepeatingByte(0x20, count: Self.room)
        }
        buffer.reserveCapacity(minimumWritableBytes: capacity)
    }

    private mutating func appendID(_ id: UnsafeRawBufferPointer?) {
        guard let id else { return }
        buffer.writeStaticString("id: ")
        buffer.writeBytes(id)
        buffer.writeStaticString("\r\n")
    }

    /// One `data` line for each line of the message; JSON has line breaks between its tokens only.
    private mutating func appendLines(_ data: UnsafeRawBufferPointer) {
        var start = 0
        while true {
            buffer.writeStaticString("data: ")
            var end = start
            while end < data.count, data[end] != 0x0A, data[end] != 0x0D { end += 1 }
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: data[start..<end]))
            buffer.writeStaticString("\r\n")
            guard end < data.count else { return }
            start = end + 1
        }
    }
}
