internal import Children

/// Whether this machine lets the agent run programs in a sandbox.
enum SandboxFinding {
    /// Looks; where no server is a program, one that does not work is in nobody's way.
    static func look(isNeeded: Bool) async -> Finding {
        switch await SandboxCheck.probe() {
        case .works: Finding("sandbox", .ok, "Servers that are programs can be run in one.")
        case .fails(let words, let next): Finding("sandbox", isNeeded ? .failed : .warning, words, next: next)
        }
    }
}
