package import Bridging
internal import Contract
internal import Logging
package import NIOCore
internal import ServiceKit
internal import StrictJSON
internal import Synchronization
internal import Upstreams

/// One server that is a program: starts a child for each that may not share one, and leaves it alone for a while where it ends
/// again and again.
package final class StdioServer: ServerLinkSource {
    private struct State {
        var pause = RestartPause()
        /// Why the last child ended that had not answered.
        var failure = ""
        /// Ends a child, by its number.
        var running: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }

    let alias: String
    let command: StdioCommand
    let logger: Logger
    let metrics: ChildMetrics
    let longestMessage: Int
    private let children: Children
    private let state = Mutex(State())

    init(_ alias: String, _ command: StdioCommand, children: Children) {
        self.alias = alias
        self.command = command
        self.children = children
        longestMessage = children.longestMessage
        metrics = ChildMetrics(children.metrics, alias: alias)
        var logger = children.logger
        logger[metadataKey: "server"] = "\(alias)"
        self.logger = logger
    }

    /// The digest of the command: everything that decides what is started.
    package var identity: String { command.digest }

    package func makeLink(_ key: IsolationKey, loop: any EventLoop) -> any ServerLink {
        ChildLink(self, loop: loop)
    }

    /// How many children it has.
    var count: Int { state.withLock { $0.running.count } }

    /// Ends every child, whose users then hear that it is over.
    package func endAll() {
        for end in state.withLock({ Array($0.running.values) }) { end() }
    }

    // MARK: One child

    /// Starts a child.
    ///
    /// - Parameters:
    ///   - stopping: ends it from outside.
    ///   - ended: told when its process has ended.
    /// - Returns: the child, or why there is none.
    func start(
        stopping: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable () -> Void
    ) async -> Result<StartedChild, ChildFailure> {
        do throws(ChildFailure) {
            let (left, failure) = state.withLock { ($0.pause.left(at: .now), $0.failure) }
            if let left {
                let seconds = left.components.seconds + 1
                throw ChildFailure(
                    .system,
                    "\(failure) It has ended so several times, and is not started for \(seconds) s."
                )
            }
            let started = try await children.start(command, alias: alias, ended: ended)
            metrics.starts.add()
            logger.info("A program of a server was started.", metadata: ["pid": "\(started.process.id)"])
            let number = state.withLock { state in
                state.next += 1
                state.running[state.next] = stopping
                return state.next
            }
            return .success(
                StartedChild(process: started.process, pipes: started.pipes, secrets: started.secrets, number: number)
            )
        } catch {
            metrics.failures.add()
            logger.warning("A program of a server was not started.", metadata: ["why": "\(error.message)"])
            return .failure(error)
        }
    }

    /// A child is over; `failure` says why, where it ended by itself before it had answered anything.
    func left(_ number: Int, failure: String? = nil) {
        if failure != nil { metrics.failures.add() }
        state.withLock { state in
            state.running[number] = nil
            guard let failure else { return }
            state.failure = failure
            state.pause.failed(at: .now, chance: .random(in: 0...1))
        }
    }

    /// A child has answered.
    func answered() {
        state.withLock { $0.pause.succeeded() }
    }
}

/// A child that has just been started.
struct StartedChild: Sendable {
    let process: ChildProcess
    let pipes: ChildProcess.Pipes
    /// The values of the secrets that it was given.
    let secrets: [String]
    let number: Int
}

/// What is counted of one program.
struct ChildMetrics: Sendable {
    let starts: Counter
    let failures: Counter
    let linesLeftOut: Counter

    init(_ registry: MetricsRegistry, alias: String) {
        func counter(_ name: String, _ help: String) -> Counter {
            registry.counter(name, help: help, labels: [("server", alias)])
        }
        starts = counter("doorward_child_starts_total", "Programs of servers that were started.")
        failures = counter(
            "doorward_child_failures_total",
            "Programs of servers that could not be started, or ended before they answered."
        )
        linesLeftOut = counter(
            "doorward_child_lines_left_out_total",
            "Lines of programs that were too many for the log."
        )
    }
}
