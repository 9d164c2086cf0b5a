package import Contract
internal import Glibc
package import Keyring
package import Logging
package import ServiceKit
internal import Synchronization

/// The programs of servers that run under this agent.
package final class Children: Sendable {
    /// The most that run at a time.
    private static let most = 64

    package let secrets: ProgramSecrets
    package let sandbox: SandboxCheck
    let longestMessage: Int
    let logger: Logger
    let metrics: MetricsRegistry
    private let user: SandboxUser
    private let thread: ChildThread
    private let running: Gauge
    private let processes = Mutex<[pid_t: ChildProcess]>([:])
    private let servers = Mutex<[String: StdioServer]>([:])

    /// - Parameters:
    ///   - user: whose programs they are.
    ///   - secrets: where the user's secrets are.
    ///   - longestMessage: the most bytes of a message of a program.
    ///   - logger: for what programs say.
    ///   - metrics: for what is counted.
    /// - Throws: where the system has no thread to give.
    package init(
        user: SandboxUser,
        secrets: any SecretStore,
        longestMessage: Int,
        logger: Logger,
        metrics: MetricsRegistry
    ) throws {
        thread = try ChildThread()
        sandbox = SandboxCheck(thread: thread)
        self.secrets = ProgramSecrets(secrets)
        self.user = user
        self.longestMessage = longestMessage
        self.logger = logger
        self.metrics = metrics
        running = metrics.gauge("doorward_children", help: "Programs of servers that run.")
    }

    /// How many programs run.
    var count: Int { processes.withLock { $0.count } }

    /// Looks whether programs can be isolated, and says so where they cannot.
    package func check() async {
        guard case .fails(let why, let next) = await sandbox.verdict() else { return }
        logger.warning("Servers that are programs are refused.", metadata: ["why": "\(why)", "next": "\(next)"])
    }

    /// The servers of these entries, in the place of those before: one that is the same goes on, another is ended.
    package func use(_ entries: [ServerEntry]) -> [String: StdioServer] {
        let (now, gone) = servers.withLock { servers in
            var now: [String: StdioServer] = [:]
            for entry in entries {
                guard let command = entry.command else { continue }
                let known = servers[entry.alias]
                now[entry.alias] =
                    known?.command == command ? known : StdioServer(entry.alias, command, children: self)
            }
            let gone = servers.values.filter { server in now[server.alias] !== server }
            servers = now
            return (now, gone)
        }
        for server in gone { server.endAll() }
        return now
    }

    /// Ends the children of a server, so that the next are started with what the user has changed.
    package func restart(_ alias: String) {
        servers.withLock { $0[alias] }?.endAll()
    }

    /// Ends all of them, those that do not take the hint after `time`.
    package func end(within time: Duration) async {
        for server in servers.withLock({ Array($0.values) }) { server.endAll() }
        let deadline = ContinuousClock.now + time
        for process in processes.withLock({ Array($0.values) }) {
            await process.wait(atMost: max(.zero, deadline - .now))
            process.kill()
        }
    }

    /// Starts a program in its sandbox.
    ///
    /// - Throws: where it may not be started or cannot be.
    func start(
        _ command: StdioCommand,
        alias: String,
        ended: @escaping @Sendable () -> Void
    ) async throws(ChildFailure) -> (process: ChildProcess, pipes: ChildProcess.Pipes, secrets: [String]) {
        guard command.isApproved else {
            throw ChildFailure(
                .notApproved,
                "What the entry would start (\(command.digest)) is not what was approved: an administrator has to add it anew."
            )
        }
        guard count < Self.most else {
            throw ChildFailure(
                .full,
                "\(Self.most) programs of servers run, and no more may: try again when one has ended."
            )
        }
        if case .fails(let why, let next) = await sandbox.verdict() {
            throw ChildFailure(.noSandbox, "\(why) Run: \(next)")
        }
        let secrets = try await secrets.values(of: command, alias: alias)
        let result = await thread.result { [self] () -> Result<(ChildProcess, ChildProcess.Pipes), ChildFailure> in
            do throws(ChildFailure) {
                return .success(try launch(command, secrets, ended: ended))
            } catch {
                return .failure(error)
            }
        }
        let (process, pipes) = try result.get()
        return (process, pipes, Array(secrets.values))
    }

    /// On the thread of children.
    private func launch(
        _ command: StdioCommand,
        _ secrets: [String: String],
        ended: @escaping @Sendable () -> Void
    ) throws(ChildFailure) -> (ChildProcess, ChildProcess.Pipes) {
        let place = try ProgramPlace(command.command, user: user)
        let opened = try OpenedPaths(command, needs: place.needs, user: user)
        guard let bubblewrap = SandboxCheck.bubblewrap else {
            throw ChildFailure(.noSandbox, "bubblewrap is not installed any more.")
        }
        let sandbox = Sandbox(
            command: command,
            place: place,
            opened: opened,
            user: user,
            secrets: secrets,
            usersFile: 4,
            groupsFile: 5
        )
        let options = sandbox.options.reduce(into: [UInt8]()) { $0 += Array($1.utf8) + [0] }
        let files = [options, Array(Sandbox.users(home: user.sandboxedHome).utf8), Array(Sandbox.groups.utf8)]
        let arguments = [bubblewrap, "--args", "3", "--"] + sandbox.program
        let known = Mutex<pid_t?>(nil)
        let (process, pipes) = try ChildProcess.start(bubblewrap, arguments, files: files, on: thread) { [self] in
            if let id = known.withLock({ $0 }) { forget(id) }
            ended()
        }
        known.withLock { $0 = process.id }
        processes.withLock { $0[process.id] = process }
        running.add(1)
        return (process, pipes)
    }

    private func forget(_ id: pid_t) {
        if processes.withLock({ $0.removeValue(forKey: id) }) != nil { running.add(-1) }
    }
}
