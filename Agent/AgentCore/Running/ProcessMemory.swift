internal import Glibc
internal import ServiceKit

/// How much memory the agent keeps that it does not need, beside the desktop that it runs on.
enum ProcessMemory {
    /// `M_MMAP_THRESHOLD` of malloc.h.
    private static let mappingThreshold: CInt = -3

    private typealias MemoryOption = @convention(c) (CInt, CInt) -> CInt
    private typealias Trim = @convention(c) (Int) -> CInt

    /// Has buffers from 256 KiB on mapped each by itself, so that their memory goes back to the system with them.
    ///
    /// Left alone, glibc raises this bound with the first large buffer that is freed (mallopt(3), "M_MMAP_THRESHOLD"), and what
    /// a server's long answers have taken stays with the agent, between small things that live on.
    static func giveBackLargeBuffers() {
        // Looked up, because Swift's module of the C library leaves malloc.h out; another C library may not have it.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        _ = unsafeBitCast(symbol, to: MemoryOption.self)(mappingThreshold, 256 << 10)
    }

    /// Gives back what busy times have left, and pages of programs that are not in use; for a moment without calls.
    ///
    /// glibc gives back the end of a heap alone: five megabytes that a million calls have left lie below something that lives.
    /// And starting reads nearly all of the program, since Swift looks through all conformances there are: twenty megabytes
    /// that are not needed again. What is needed comes back from the file, which the system holds anyway.
    static func giveBackUnused() {
        if let symbol = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(symbol, to: Trim.self)(0) }
        let maps = (try? DurableFile.read("/proc/self/maps", maxBytes: 1 << 20)) ?? nil
        for code in codeMappings(String(decoding: maps ?? [], as: UTF8.self)) {
            madvise(UnsafeMutableRawPointer(bitPattern: code.lowerBound), Int(code.count), MADV_DONTNEED)
        }
    }

    /// Where code lies, by `/proc/self/maps` (proc(5)): from a file, and never written to, so that the file has all of it.
    ///
    /// Read-only data would not do: relocations have been written into some of it.
    static func codeMappings(_ maps: String) -> [Range<UInt>] {
        maps.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { return nil }
            let ends = fields[0].split(separator: "-").map { UInt($0, radix: 16) }
            guard ends.count == 2, let start = ends[0], let end = ends[1], start < end else { return nil }
            return start..<end
        }
    }

    /// Tells when it is time for that: when there was something to do since the last time, and has been nothing since.
    struct Quiet {
        private var seen: UInt64?
        private var isDue = true

        /// Looks at a number that rises with all that is done; true where it is time.
        mutating func look(_ count: UInt64?) -> Bool {
            guard count == seen else {
                seen = count
                isDue = true
                return false
            }
            defer { isDue = false }
            return isDue
        }
    }
}
