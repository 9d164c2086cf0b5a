internal import Errors
internal import Glibc
internal import ServiceKit
internal import TransparencyLog

/// The folders in which the agent of one user lives.
package struct AgentHome: Sendable, Equatable {
    /// Where `config.yaml` is.
    package let config: String
    /// What the agent remembers: membership, records, the last policy.
    package let state: String
    /// Where the socket is; its folder is this user's alone.
    package let run: String

    /// A home in these folders.
    package init(config: String, state: String, run: String) {
        self.config = config
        self.state = state
        self.run = run
    }

    /// The home that the environment names.
    ///
    /// `DOORWARD_HOME` moves all of it under one folder; without it, it is `$XDG_CONFIG_HOME/doorward` and
    /// `$XDG_STATE_HOME/doorward`, by default below `~/.config` and `~/.local/state`, and the socket is in
    /// `$XDG_RUNTIME_DIR/doorward` where there is such a folder.
    ///
    /// - Throws: `.badHome` where neither `DOORWARD_HOME` nor `HOME` is set, one of them is not absolute, or the path of
    ///   the socket is too long for one.
    package static func standard(environment: [String: String]) throws -> AgentHome {
        let home = try standardFolders(environment: environment)
        guard home.socketPath.utf8.count <= longestSocketPath else {
            throw StateError(
                .badHome,
                "\(home.socketPath) is too long for a socket: it may have \(longestSocketPath) bytes",
                next: "Set DOORWARD_HOME to a folder with a shorter path."
            )
        }
        return home
    }

    private static func standardFolders(environment: [String: String]) throws -> AgentHome {
        func folder(_ name: String) throws -> String? {
            guard var path = environment[name], !path.isEmpty else { return nil }
            guard path.hasPrefix("/"), !path.utf8.contains(0) else {
                throw StateError(.badHome, "\(name) is no absolute path", next: "Set \(name) to an absolute path.")
            }
            while path.count > 1, path.hasSuffix("/") { path.removeLast() }
            return path
        }
        if let all = try folder("DOORWARD_HOME") {
            return AgentHome(config: all, state: "\(all)/state", run: "\(all)/run")
        }
        guard let home = try folder("HOME") else {
            throw StateError(.badHome, "neither DOORWARD_HOME nor HOME is set", next: "Set DOORWARD_HOME.")
        }
        let config = try folder("XDG_CONFIG_HOME") ?? "\(home)/.config"
        let state = "\(try folder("XDG_STATE_HOME") ?? "\(home)/.local/state")/doorward"
        let runtime = try folder("XDG_RUNTIME_DIR")
        return AgentHome(
            config: "\(config)/doorward",
            state: state,
            run: runtime.map { "\($0)/doorward" } ?? "\(state)/run"
        )
    }

    /// What `sockaddr_un` holds, without the zero byte at its end.
    private static let longestSocketPath = 107

    /// What lies in the state folder, beside the folders `spool`, `kept`, `evidence` and `renewals`.
    package enum File: String, CaseIterable, Sendable {
        /// Which coordinator this machine belongs to, and as what.
        case membership = "membership.json"
        /// What its user has to know of the membership, a revocation above all.
        case standing = "standing.json"
        /// An enrolment that was begun.
        case enrolment = "enrolment.json"
        /// The last policy, binding and registry entries, as they were signed.
        case sync = "sync.json"
        /// The last state of the organisation's log that was seen.
        case organisation = "org.note"
        /// Which keyring holds this machine's secrets.
        case keyring = "keyring"
        /// The credentials of clients, as hashes.
        case clients = "clients.json"
        /// How the servers did last.
        case servers = "servers.json"
        /// Whose the sessions of the handshake era are.
        case sessions = "sessions.json"
        /// Which eras servers speak, as far as it was found out.
        case eras = "eras.json"
        /// What servers showed first of their tools, and what of it is held back.
        case pins = "pins.json"
        /// How full the buckets of the limits are.
        case limits = "limits.json"
        /// The latest time that is known.
        case clock = "clock.json"
        /// Where the agent listened last.
        case address = "agent.json"
        /// Locked by the agent that runs.
        case lock = "agent.lock"
    }

    /// Where a file of the state folder is.
    package func path(_ file: File) -> String { "\(state)/\(file.rawValue)" }

    /// The folder of renewals whose outcome is not known yet.
    package var renewals: String { "\(state)/renewals" }

    /// The agent's socket.
    package var socketPath: String { "\(run)/agent.sock" }

    /// The agent's socket for a program that a client has started.
    ///
    /// Clients often start programs with little of their environment. Without `XDG_RUNTIME_DIR` the folder that systemd
    /// makes for each user is tried as well, where an agent that it started has its socket.
    package func socketPath(environment: [String: String]) -> String {
        guard environment["DOORWARD_HOME"] ?? "" == "", environment["XDG_RUNTIME_DIR"] ?? "" == "" else {
            return socketPath
        }
        let usual = "/run/user/\(getuid())/doorward/agent.sock"
        return access(socketPath, F_OK) != 0 && access(usual, F_OK) == 0 ? usual : socketPath
    }

    /// The folder of the records of one agent id: a new enrolment is a new log.
    package func spool(agent: String) -> String { "\(state)/spool/\(agent)" }

    /// Where records are kept, by agent id, that no coordinator has taken when the machine left.
    package var kept: String { "\(state)/kept" }

    /// Where contradictions of the coordinator are kept.
    package var evidence: String { "\(state)/evidence" }

    /// Sets this home's secrets apart from those of another home in the same keyring.
    package var secretNamespace: String { String(Hash.of(state.utf8).base64URL.prefix(22)) }

    /// Makes the folders, for this user alone; what is there already is closed to others.
    package func makeFolders() throws {
        for folder in [config, state, run] { try Self.makeFolder(folder) }
    }

    /// Makes one folder, with those above it where they are missing.
    package static func makeFolder(_ path: String) throws {
        let error = PrivateFolder.make(path)
        guard error == 0 else { throw failure(path, error) }
        guard chmod(path, 0o700) == 0 else { throw failure(path, errno) }
    }

    private static func failure(_ path: String, _ error: Int32) -> StateError {
        StateError(
            .badHome,
            "\(path) cannot be used: \(String(cString: strerror(error)))",
            next: "See that \(path) is yours, or set DOORWARD_HOME."
        )
    }
}
