internal import CZlib

/// Compresses bytes into one gzip stream (RFC 1952), piece by piece: some 256 KiB are held, however long it gets.
///
/// Not for two at once. The stream has no name and no time, so equal bytes give equal streams.
package final class GzipWriter {
    /// How hard to look for what repeats.
    package enum Effort: Int32, Sendable {
        /// For what is sent while it is made: a quarter of the time of the usual effort, for a sixth more bytes.
        case least = 1
        case usual = 6
    }

    /// At a place of its own: zlib compares it with where it was when the stream began.
    private let stream: UnsafeMutablePointer<z_stream>
    private var room: [UInt8]

    /// Begins a stream.
    package init(_ effort: Effort = .least) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        room = [UInt8](repeating: 0, count: 64 << 10)
        // The only failure of these parameters is that memory is out, which ends the program everywhere.
        guard cz_deflate_gzip(stream, effort.rawValue) == Z_OK else { fatalError("out of memory") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Takes what comes next, and appends what is ready of the stream.
    package func write(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { deflate($0, Z_NO_FLUSH, to: &output) }
        if done == nil { Array(bytes).withUnsafeBufferPointer { deflate($0, Z_NO_FLUSH, to: &output) } }
    }

    /// Ends the stream, and appends the rest of it; nothing is written afterwards.
    package func finish(to output: inout [UInt8]) {
        deflate(UnsafeBufferPointer(start: nil, count: 0), Z_FINISH, to: &output)
    }

    private func deflate(_ bytes: UnsafeBufferPointer<UInt8>, _ flush: Int32, to output: inout [UInt8]) {
        precondition(bytes.count <= Int(UInt32.max), "a piece is shorter than 4 GiB")
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        // Full room means that there may be more.
        repeat {
            let count = room.withUnsafeMutableBufferPointer { room in
                stream.pointee.next_out = room.baseAddress
                stream.pointee.avail_out = UInt32(room.count)
                let status = CZlib.deflate(stream, flush)
                precondition(status != Z_STREAM_ERROR, "nothing is written after the end")
                return room.count - Int(stream.pointee.avail_out)
            }
            output += room[..<count]
        } while stream.pointee.avail_out == 0
    }
}
