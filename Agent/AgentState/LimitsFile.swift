internal import Errors
package import Policy
package import ServiceKit
internal import StrictJSON

/// What is owed to the limits, kept over a restart: ending the agent does not fill a bucket.
package struct LimitsFile: Sendable {
    /// Up to where records of calls are in the debts.
    package struct Mark: Sendable, Equatable {
        /// The name of the spool's folder.
        package let spool: String
        package let recorded: UInt64

        /// The mark of a spool.
        package init(spool: String, recorded: UInt64) {
            self.spool = spool
            self.recorded = recorded
        }
    }

    package let debts: [LimitDebt]
    /// Nil where no spool was open, and so no call passed.
    package let mark: Mark?
    /// The machine's own clock when they were written, in nanoseconds, and which start of the machine it counts from.
    private let boot: Int64
    private let bootID: String

    private static func path(_ home: AgentHome) -> String { home.path(.limits) }

    /// Debts of now.
    package init(_ debts: [LimitDebt], mark: Mark?, clock: MachineClock) {
        // What is written can be read again: the largest debts of more than any user has.
        self.debts = Array(debts.sorted { $0.nanoseconds > $1.nanoseconds }.prefix(Self.most))
        self.mark = mark
        boot = clock.boot()
        bootID = MachineBoot.id
    }

    /// Nanoseconds since they were written; 0 where the machine was started anew and the time is unknown.
    package func elapsed(_ clock: MachineClock) -> Int64 {
        bootID == MachineBoot.id ? max(0, clock.boot() - boot) : 0
    }

    /// Writes them down; throws `FileError`.
    package func keep(_ home: AgentHome) throws {
        var document: JSONObject = [
            "v": 1, "boot": .int(Int(boot)), "boot_id": .text(bootID), "debts": .array(debts.map(\.json)),
        ]
        if let mark {
            document["spool"] = .text(mark.spool)
            document["recorded"] = .int(Int(mark.recorded))
        }
        let bytes = JSONValue.object(document).bytes
        guard bytes.count <= Self.longest else { throw FileError(.tooLarge, "the debts are too many to be kept.") }
        try DurableFile.write(bytes, to: Self.path(home))
    }

    private static let most = 16_384
    private static let longest = 64 << 20

    /// What an earlier agent left; nil where it left nothing that can be read, which is owed nothing.
    package init?(_ home: AgentHome) {
        guard let bytes = try? DurableFile.read(Self.path(home), maxBytes: Self.longest),
            let json = try? JSONValue(parsing: bytes, limits: .reply), let kept = try? LimitsFile(json)
        else { return nil }
        self = kept
    }

    private init(_ json: JSONValue) throws {
        (boot, bootID, debts, mark) = try ObjectReader.read(json) { reader in
            _ = try reader.int("v", in: 1...1)
            let spool = try reader.optionalText("spool")
            let recorded = try reader.optionalInt("recorded", in: 0...Int.max) ?? 0
            return (
                Int64(try reader.int("boot")), try reader.text("boot_id"),
                try reader.elements("debts").map { try LimitDebt($0.value, at: $0.place) },
                spool.map { Mark(spool: $0, recorded: UInt64(recorded)) }
            )
        }
    }
}
