internal import AgentState
internal import Contract
internal import CoordinatorLink
internal import Forwarding
internal import Logging
internal import ServiceKit
internal import StrictJSON

/// Keeps what is known of the tools of servers, and tells the coordinator what nobody has approved yet.
///
/// Nothing of it is on the way of a call or of a list: a moment after something has changed it is written down as a whole,
/// and told. What the coordinator approves comes back with the sync.
actor PinKeeper {
    private let forwarding: ForwardingService
    private let client: CoordinatorClient
    private let home: AgentHome
    private let logger: Logger
    private let changes = Signal()
    private var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
    private var kept: [KeptPins] = []
    private var isFailing = false

    /// How long more changes are waited for.
    private static let rest = Duration.milliseconds(100)
    /// How often the coordinator hears what servers show though nothing has changed: by that it knows who was shown what at
    /// the same time.
    private static let retelling = Duration.seconds(900)

    init(forwarding: ForwardingService, client: CoordinatorClient, home: AgentHome, logger: Logger) {
        self.forwarding = forwarding
        self.client = client
        self.home = home
        self.logger = logger
    }

    private var agent: String { client.membership.agentID }

    /// Takes over what was written down, before the first server is known.
    func restore() async {
        await forwarding.forgetPins()
        kept = PinsFile(home, agent: agent).pins
        await forwarding.restore(kept)
        let changes = changes
        await forwarding.onPins { changes.notify() }
    }

    /// Writes down and tells what changes, until the task is cancelled.
    func run() async {
        var told = ContinuousClock.now
        while !Task.isCancelled {
            let version = changes.version
            if .now - told >= Self.retelling {
                await forwarding.tellShownAgain()
                told = .now
            }
            await keep()
            let pause = await report()
            await changes.wait(after: version, atMost: pause ?? Self.retelling)
            try? await Task.sleep(for: pause.map { _ in .seconds(1) } ?? Self.rest)
        }
        await keep()
    }

    private func keep() async {
        let pins = await forwarding.keptPins()
        guard pins != kept else { return }
        do {
            try PinsFile(pins).keep(home, agent: agent)
            kept = pins
            isFailing = false
        } catch {
            if !isFailing { logger.warning("What servers show of their tools could not be kept.") }
            isFailing = true
        }
    }

    /// Tells the coordinator what it does not know; returns how long to wait where it did not take it.
    private func report() async -> Duration? {
        for report in await forwarding.toolReports() {
            let document = ToolsReport(
                server: report.server.string,
                entry: report.entry,
                isFirst: report.isFirst,
                tools: report.tools.map { ToolsReport.Tool(name: $0.name, definition: $0.definition) },
                shown: report.shown
            )
            do {
                let response = try await client.request(
                    method: "POST",
                    path: "/v1/agent/tools",
                    headers: [("Content-Type", "application/json")],
                    body: document.json.bytes
                )
                _ = try CoordinatorAnswer.json(response)
                await forwarding.reported(report)
            } catch {
                // The first of several failures is worth a line; what is held back stays so.
                if backoff.failures == 3 {
                    logger.warning("The coordinator does not take what a server shows of its tools.")
                }
                return backoff.failed(chance: .random(in: 0...1))
            }
        }
        backoff.reset()
        return nil
    }
}
