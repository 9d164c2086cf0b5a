package import NIOCore
package import Wire

extension ByteBuffer {
    /// Writes a head straight into the buffer's memory.
    ///
    /// - Parameters:
    ///   - room: the most bytes that the head may have, with what `body` appends behind it.
    ///   - body: writes the head.
    /// - Returns: false where the head did not fit or holds what a head may not contain; then nothing was written.
    package mutating func writeHead(reserving room: Int, _ body: (inout HeadWriter) -> Void) -> Bool {
        var isWhole = false
        writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
            var writer = HeadWriter(memory)
            body(&writer)
            isWhole = !writer.isBroken
            return isWhole ? writer.count : 0
        }
        return isWhole
    }
}
