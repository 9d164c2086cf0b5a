package import NIOCore

extension ByteBuffer {
    /// Appends what was received, and lets go of what was read before.
    ///
    /// A reader's index that only ever moves on would keep all that a connection has brought, for as long as each read ends
    /// in the middle of something.
    package mutating func append(received bytes: ByteBuffer) {
        if readableBytes == 0 {
            self = bytes
            return
        }
        discardReadBytes()
        writeImmutableBuffer(bytes)
    }
}
