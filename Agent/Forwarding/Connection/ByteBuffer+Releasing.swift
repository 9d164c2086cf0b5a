internal import NIOCore

extension ByteBuffer {
    /// From here on the allocator maps a buffer by itself, in bytes (`LargeBuffers` sets that bound).
    private static let mapped = 256 << 10

    /// Empties it, and gives its memory back on another thread where it is large.
    ///
    /// Unmapping megabytes takes as long as many calls, and what ends at once (forty streams of one client) would be unmapped
    /// in one turn of the event loop.
    mutating func release() {
        guard storageCapacity >= Self.mapped else {
            self = ByteBuffer()
            return
        }
        releaseElsewhere()
    }

    private mutating func releaseElsewhere() {
        let large = self
        self = ByteBuffer()
        // Unstructured, because nobody waits for it.
        Task { withExtendedLifetime(large) {} }
    }
}
