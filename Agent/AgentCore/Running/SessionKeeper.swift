internal import AgentState
internal import Forwarding
internal import Logging
internal import ServiceKit

/// Keeps whose session is whose, and which eras servers speak, over the end of an agent, however it ends.
///
/// Nothing is written on the way of a call: a moment after sessions have begun or ended the list of them is written as a
/// whole, and now and then for the sake of when each was last used.
actor SessionKeeper {
    private let forwarding: ForwardingService
    private let home: AgentHome
    private let logger: Logger
    private let changes: AsyncStream<Void>
    private let change: AsyncStream<Void>.Continuation
    private var isFailing = false

    /// How long more changes are waited for, and how long none is written after that.
    private static let rests: (before: Duration, behind: Duration) = (.milliseconds(100), .milliseconds(900))

    init(forwarding: ForwardingService, home: AgentHome, logger: Logger) {
        self.forwarding = forwarding
        self.home = home
        self.logger = logger
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes over what was written down, before anybody can call.
    func restore() async {
        await forwarding.restore(SessionsFile(home).sessions)
        let change = change
        await forwarding.onSessions { change.yield() }
        await forwarding.restore(eras: ErasFile(home).eras)
        await forwarding.onEras { change.yield() }
    }

    /// Writes down what changes, until the task is cancelled.
    func follow() async {
        for await _ in changes {
            guard (try? await Task.sleep(for: Self.rests.before)) != nil else { return }
            await keep()
            guard (try? await Task.sleep(for: Self.rests.behind)) != nil else { return }
        }
    }

    /// Writes down all that there is.
    func keep() async {
        let sessions = await forwarding.keptSessions()
        do {
            try SessionsFile(sessions).keep(home)
            try ErasFile(await forwarding.keptEras()).keep(home)
            isFailing = false
        } catch {
            if !isFailing { logger.warning("Sessions could not be kept: after a restart clients must begin others.") }
            isFailing = true
        }
    }
}
