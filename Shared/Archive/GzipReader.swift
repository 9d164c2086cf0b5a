internal import CZlib

/// Reads gzip (RFC 1952), piece by piece: some 100 KiB are held, however long it gets.
///
/// Every program's gzip is read: with a name and comments or without, compressed or merely stored, in one stream or
/// several one behind the other. Not for two at once.
package final class GzipReader {
    /// At a place of its own: zlib compares it with where it was when the stream began.
    private let stream: UnsafeMutablePointer<z_stream>
    private var room: [UInt8]
    private var isWithin = true

    /// A reader of nothing, so far.
    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        room = [UInt8](repeating: 0, count: 64 << 10)
        guard cz_inflate_gzip(stream) == Z_OK else { fatalError("out of memory") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Takes the next bytes, and lends the decompressed ones to `body`, piece by piece.
    ///
    /// - Throws: `GzipError.damaged`; what `body` throws.
    package func read(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        precondition(bytes.count <= Int(UInt32.max), "a piece is shorter than 4 GiB")
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        var isRoomFull = false
        while stream.pointee.avail_in > 0 || isRoomFull {
            if !isWithin {
                // RFC 1952 section 2.2: what follows a stream is another.
                guard inflateReset(stream) == Z_OK else { throw GzipError.damaged }
                isWithin = true
            }
            try room.withUnsafeMutableBufferPointer { room in
                stream.pointee.next_out = room.baseAddress
                stream.pointee.avail_out = UInt32(room.count)
                switch inflate(stream, Z_NO_FLUSH) {
                case Z_OK: break
                case Z_STREAM_END: isWithin = false
                // There was nothing more to say.
                case Z_BUF_ERROR where stream.pointee.avail_in == 0: break
                case Z_MEM_ERROR: fatalError("out of memory")
                default: throw GzipError.damaged
                }
                isRoomFull = stream.pointee.avail_out == 0 && isWithin
                let count = room.count - Int(stream.pointee.avail_out)
                if count > 0 { try body(UnsafeBufferPointer(rebasing: room[..<count])) }
            }
        }
    }

    /// Ends the reading.
    ///
    /// - Throws: `GzipError.truncated` unless a stream has just ended.
    package func finish() throws {
        guard !isWithin else { throw GzipError.truncated }
    }
}
