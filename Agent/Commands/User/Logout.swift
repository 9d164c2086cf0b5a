internal import AgentCore
import ArgumentParser
internal import AgentState
internal import CoordinatorLink
internal import Errors
internal import Fetch
internal import Keyring
internal import LocalControl
internal import Logging
internal import ServiceKit
internal import Spool
internal import StrictJSON

/// `doorward logout`: leaves the coordinator.
struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Ship what is pending and leave the coordinator; your settings stay.",
        discussion: """
            The API tokens and unused invitations that this machine made end with it. What the coordinator will never take, as \
            it has revoked or forgotten this machine, is kept aside.
            """
    )

    @Flag(name: .long, help: "Leave without the coordinator: records that it does not have stay on this machine.")
    var offline = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            guard let membership = try membership(context) else { return try leaveDamaged(context) }
            do {
                // A running agent has the records open, and ships them itself.
                let left = try await context.agent.post("leave", ["offline": .bool(offline)], timeout: .seconds(120))
                return Facts(left, words: (left["words"]?.array ?? []).compactMap(\.text))
            } catch let failure as ControlFailure where failure.code == "agent_not_running" {
                let departure = try await leave(membership, context)
                return Facts(departure.json, words: departure.words)
            }
        }
    }

    /// The membership; nil for one that cannot be read any more and that its user gives up.
    private func membership(_ context: CommandContext) throws -> Membership? {
        do {
            return try context.membership()
        } catch let error as StateError where error.kind == .damaged && offline {
            return nil
        }
    }

    private func leaveDamaged(_ context: CommandContext) throws -> Facts {
        let path = try Membership.moveAside(context.home)
        return Facts(
            ["left": .null, "told": false, "kept": .null, "moved": .text(path)],
            "What said which coordinator this machine belongs to is damaged, and is \(path) now. "
                + "To come back: doorward login URL --token-file FILE"
        )
    }

    private func leave(_ membership: Membership, _ context: CommandContext) async throws -> Departure {
        let enrolment = Enrolment(home: context.home, secrets: context.secrets, fetcher: context.fetcher)
        let logger = Logger(label: "doorward", factory: { _ in SwiftLogNoOpLogHandler() })
        let spool: Spool
        do {
            spool = try Spool(
                folder: context.home.spool(agent: membership.agentID),
                writer: membership.recordWriter(),
                logger: logger
            )
        } catch {
            // The process that has it open ships it, or is about to.
            if error.kind == .inUse { throw error }
            let departure = try await enrolment.leave(membership, unopened: error.message, isOffline: offline)
            return enrolment.keepAside(departure, count: nil)
        }
        let departure: Departure
        let count: Int
        do {
            defer { spool.close() }
            let client = CoordinatorClient(
                membership,
                key: MachineKey(membership, secrets: context.secrets),
                fetcher: context.fetcher
            )
            let watch = try OrgWatch(membership, home: context.home)
            departure = try await enrolment.leave(client, spool: spool, isOffline: offline) {
                await AuditShipper.shipAll(
                    client: client,
                    spool: spool,
                    watch: watch,
                    logger: logger,
                    within: .seconds(20)
                )
            }
            let counts = spool.counts
            count = Int(counts.recorded) - Int(counts.countersigned)
        }
        return enrolment.keepAside(departure, count: count)
    }
}
