import ArgumentParser
internal import Contract
internal import MCP
internal import StrictJSON

/// The options of `doorward admin servers add` that say who shares a server, which era it speaks, how often it is asked how it
/// does, and where the catalog has it.
struct SharingOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Who shares a session with it, or its process: per-user, per-client (the default) or per-session."
    )
    var isolation: Isolation?

    @Option(name: .long, help: "Which era it speaks: auto (the default: it is found out), handshake or modern.")
    var era: EraPin?

    @Option(
        name: .customLong("health-interval"),
        help: "How often it is asked whether it is there, in seconds: 5 to 3600, 0 for never (default 60)."
    )
    var healthInterval: Int?

    @Option(
        name: .long,
        help: "Who approves its tools: first-use (the default, an administrator for what changes later) or approve."
    )
    var pins: ServerEntry.Pins?

    @Option(
        name: .long,
        help: "Whether policies go by what it says that its tools do: untrusted (the default) or trusted."
    )
    var annotations: ServerEntry.Annotations?

    @Option(name: .long, help: "A category of the catalog: 1 to 32 of a-z, 0-9 and -; may be given again.")
    var category: [String] = []

    /// The settings of the entry that these are.
    var settings: JSONObject {
        var settings = JSONObject()
        settings["isolation"] = isolation.map { .text($0.rawValue) }
        settings["era"] = era.map { .text($0.rawValue) }
        settings["health_interval_s"] = healthInterval.map { .int($0) }
        settings["pins"] = pins.map { .text($0.rawValue) }
        settings["annotations"] = annotations.map { .text($0.rawValue) }
        if !category.isEmpty { settings["categories"] = .array(category.map { .text($0) }) }
        return settings
    }
}

extension Isolation: ExpressibleByArgument {}
extension EraPin: ExpressibleByArgument {}
extension ServerEntry.Pins: ExpressibleByArgument {}
extension ServerEntry.Annotations: ExpressibleByArgument {}
