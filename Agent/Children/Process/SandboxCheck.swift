internal import Glibc
internal import ServiceKit
internal import Synchronization

/// Whether programs can be isolated on this machine: found out by isolating one.
package final class SandboxCheck: Sendable {
    /// What was found out.
    package enum Verdict: Sendable, Equatable {
        case works
        /// With words that say why, and what to type.
        case fails(String, next: String)
    }

    /// Where bubblewrap may be; never one that a user's `PATH` names.
    private static let candidates = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"]
    private static let patience = Duration.seconds(5)
    private let thread: ChildThread
    private let known = Mutex<Verdict?>(nil)

    init(thread: ChildThread) {
        self.thread = thread
    }

    /// Where bubblewrap is; nil where it is not installed.
    static var bubblewrap: String? { candidates.first(where: FilePaths.isProgram) }

    /// What is known; a machine on which it failed is tried again, since its user may have mended it.
    package func verdict() async -> Verdict {
        if known.withLock({ $0 }) == .works { return .works }
        let verdict = await look()
        known.withLock { $0 = verdict }
        return verdict
    }

    /// Why no program is started, and what mends it, where it is known that none can be; nil else.
    package func trouble() async -> String? {
        guard case .fails? = known.withLock({ $0 }), case .fails(let why, let next) = await verdict() else {
            return nil
        }
        return "\(why) Run: \(next)"
    }

    /// The same for a command that has no agent.
    package static func probe() async -> Verdict {
        do {
            return await SandboxCheck(thread: try ChildThread()).look()
        } catch {
            return .fails(error.message, next: "doorward doctor")
        }
    }

    private func look() async -> Verdict {
        guard let bubblewrap = Self.bubblewrap else { return Self.missing }
        let system = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        let arguments = [bubblewrap] + Sandbox.namespaces + ["--unshare-net"] + system + ["--", "/usr/bin/true"]
        let started = await thread.result { [thread] () -> Result<(ChildProcess, ChildProcess.Pipes), ChildFailure> in
            do throws(ChildFailure) {
                return .success(try ChildProcess.start(bubblewrap, arguments, files: [], on: thread, ended: {}))
            } catch {
                return .failure(error)
            }
        }
        switch started {
        case .failure(let failure): return .fails(failure.message, next: Self.install)
        case .success(let (process, pipes)):
            await process.wait(atMost: Self.patience)
            process.kill()
            let words = FilePaths.firstLine(of: pipes.errors).map(ChildLog.words)
            for file in [pipes.input, pipes.output, pipes.errors] { close(file) }
            if process.status == 0 { return .works }
            return Self.refusal(words ?? "bubblewrap did not end")
        }
    }

    private static let install = "sudo apt-get install bubblewrap"
    private static let missing = Verdict.fails(
        "bubblewrap is not installed, and no program of a server is started without it.",
        next: install
    )

    /// Which setting of the system is in the way.
    private static func refusal(_ words: String) -> Verdict {
        let begin = "This system forbids unprivileged user namespaces, so no program of a server can be isolated"
        if number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 {
            return .fails(
                "\(begin): AppArmor allows them to programs with a profile alone, as on Ubuntu from 23.10 on.",
                next: "sudo apt-get install apparmor-profiles && sudo ln -s "
                    + "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && "
                    + "sudo systemctl reload apparmor"
            )
        }
        if number("/proc/sys/kernel/unprivileged_userns_clone") == 0 {
            return .fails(
                "\(begin): kernel.unprivileged_userns_clone is 0.",
                next: setting("kernel.unprivileged_userns_clone=1")
            )
        }
        if number("/proc/sys/user/max_user_namespaces") == 0 {
            return .fails("\(begin): user.max_user_namespaces is 0.", next: setting("user.max_user_namespaces=15000"))
        }
        return .fails(
            "No program of a server can be isolated here (\(words)): the agent may itself be in a container, or under a "
                + "security policy, that allows no user namespaces.",
            next: "bwrap --unshare-all --ro-bind / / true"
        )
    }

    private static func setting(_ line: String) -> String {
        "echo \(line) | sudo tee /etc/sysctl.d/60-doorward.conf && sudo sysctl --system"
    }

    private static func number(_ path: String) -> Int? {
        FilePaths.firstLine(path).flatMap { Int($0) }
    }
}
