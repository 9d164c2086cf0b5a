internal import Glibc
internal import TransparencyLog

/// The 32 secret bytes of a signing key, on a page of memory that is neither swapped out nor dumped, as far as the
/// system lets a process do so.
///
/// A key is made of them for each signature: the library keeps its own copies where it likes, so they live no longer
/// than that.
///
/// Unchecked: the page is written once, in `init`, and only read from then on.
final class LockedSeed: @unchecked Sendable {
    private let page: UnsafeMutableRawPointer
    private static let length = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// Takes the bytes over; nil if there are not 32 or the system gives no memory.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 32,
            let page = mmap(nil, Self.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            page != MAP_FAILED
        else { return nil }
        // Refused where too little may be locked: then it is a page like any other.
        mlock(page, Self.length)
        madvise(page, Self.length, MADV_DONTDUMP)
        page.copyMemory(from: bytes, byteCount: bytes.count)
        self.page = page
    }

    deinit {
        explicit_bzero(page, Self.length)
        munmap(page, Self.length)
    }

    /// The key, for one signature.
    func key() -> SigningKey? {
        SigningKey(seed: UnsafeRawBufferPointer(start: page, count: 32))
    }
}
