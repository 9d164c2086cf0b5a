internal import CoordinatorLink
internal import Policy
internal import ServiceKit
internal import StrictJSON

/// What is owed to the limits, kept over a restart: ending the agent is no way to a full bucket.
struct KeptDebts: Sendable {
    let debts: [LimitDebt]
    /// The machine's own clock when they were written, in nanoseconds, and which start of the machine it counts from.
    private let boot: Int64
    private let bootID: String

    private static func path(_ home: AgentHome) -> String { "\(home.state)/limits.json" }

    init(_ debts: [LimitDebt], clock: MachineClock) {
        self.debts = debts
        boot = clock.boot()
        bootID = MachineBoot.id
    }

    /// Nanoseconds since they were written; 0 where the machine was started anew and nobody knows.
    func elapsed(_ clock: MachineClock) -> Int64 {
        bootID == MachineBoot.id ? max(0, clock.boot() - boot) : 0
    }

    func keep(_ home: AgentHome) throws {
        let document: JSONValue = [
            "v": 1, "boot": .int(Int(boot)), "boot_id": .text(bootID), "debts": .array(debts.map(\.json)),
        ]
        try DurableFile.write(document.bytes, to: Self.path(home))
    }

    /// What an earlier agent left; nil where it left nothing that can be read, which is owed nothing.
    init?(_ home: AgentHome) {
        guard let bytes = try? DurableFile.read(Self.path(home), maxBytes: 1 << 20),
            let json = try? JSONValue(parsing: bytes), let kept = try? KeptDebts(json)
        else { return nil }
        self = kept
    }

    private init(_ json: JSONValue) throws {
        (boot, bootID, debts) = try ObjectReader.read(json) { reader in
            _ = try reader.int("v", in: 1...1)
            return (
                Int64(try reader.int("boot")), try reader.text("boot_id"),
                try reader.elements("debts").map { try LimitDebt($0.value, at: $0.place) }
            )
        }
    }
}

/// This start of the machine.
enum MachineBoot {
    /// The kernel's random id of it; empty where the kernel does not say.
    static let id: String = {
        let bytes = try? DurableFile.read("/proc/sys/kernel/random/boot_id", maxBytes: 64)
        return String(decoding: (bytes ?? nil)?.filter { $0 > 0x20 } ?? [], as: UTF8.self)
    }()
}
