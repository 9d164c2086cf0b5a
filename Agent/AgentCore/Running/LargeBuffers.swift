internal import Glibc

/// How the C library keeps the memory of large buffers.
enum LargeBuffers {
    /// `M_MMAP_THRESHOLD` of malloc.h.
    private static let mappingThreshold: CInt = -3

    private typealias MemoryOption = @convention(c) (CInt, CInt) -> CInt

    /// Has buffers from 256 KiB on mapped each by itself, so that their memory goes back to the system with them.
    ///
    /// Left alone, glibc raises this bound with the first large buffer that is freed (mallopt(3), "M_MMAP_THRESHOLD"), and what
    /// a server's long answers have taken stays with the agent, between small things that live on.
    static func giveBack() {
        // Looked up, because Swift's module of the C library leaves malloc.h out; another C library may not have it.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        _ = unsafeBitCast(symbol, to: MemoryOption.self)(mappingThreshold, 256 << 10)
    }
}
