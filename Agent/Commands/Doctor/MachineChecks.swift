internal import AgentCore
internal import AgentState
internal import Glibc

/// The folders and files of this machine's agent.
struct MachineChecks {
    let home: AgentHome

    /// Below so much room records are at risk: the spool alone keeps 64 MiB in reserve.
    private static let leastRoom = 256 << 20

    func findings() -> [Finding] { [settings(), files(), room()] }

    private func settings() -> Finding {
        do {
            _ = try AgentSettings(home: home)
            return Finding("settings", .ok, "config.yaml can be read, or is not there.")
        } catch {
            return Finding("settings", error, otherwise: "doorward doctor")
        }
    }

    /// Nobody else may read or write what is here.
    private func files() -> Finding {
        var paths = [home.state, home.run]
        paths += AgentHome.File.allCases.map { home.path($0) }
        for path in paths {
            var about = stat()
            guard lstat(path, &about) == 0 else { continue }
            guard about.st_uid == geteuid() else {
                let next = "sudo chown -R \(geteuid()) '\(path)'"
                return Finding("files", .failed, "\(path) belongs to another user.", next: next)
            }
            guard about.st_mode & 0o077 == 0 || about.st_mode & S_IFMT == S_IFLNK else {
                return Finding("files", .failed, "\(path) is open to other users.", next: "chmod go-rwx '\(path)'")
            }
        }
        return Finding("files", .ok, "They are yours alone, in \(home.state).")
    }

    private func room() -> Finding {
        var about = statvfs()
        guard statvfs(home.state, &about) == 0 else {
            return Finding("disk", .skipped, "There is no \(home.state) yet.")
        }
        let free = Int(about.f_bavail) * Int(about.f_frsize)
        guard free < Self.leastRoom else { return Finding("disk", .ok, "\(free >> 20) MiB are free.") }
        return Finding(
            "disk",
            .warning,
            "Only \(free >> 20) MiB are free: without room nothing can be recorded, and no call passes.",
            next: "df -h '\(home.state)'"
        )
    }
}
