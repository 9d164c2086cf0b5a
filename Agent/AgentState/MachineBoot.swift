internal import ServiceKit

/// This start of the machine.
package enum MachineBoot {
    /// The kernel's random id of it; empty where the kernel does not say.
    package static let id: String = {
        let bytes = try? DurableFile.read("/proc/sys/kernel/random/boot_id", maxBytes: 64)
        return String(decoding: (bytes ?? nil)?.filter { $0 > 0x20 } ?? [], as: UTF8.self)
    }()
}
