internal import Contract
internal import Glibc

/// What an entry opens to its program beyond what every sandbox has, and what stays hidden in it.
struct OpenedPaths: Equatable {
    struct Opening: Equatable {
        let path: String
        let isWritable: Bool
    }

    /// In the order in which they are laid over each other: what contains another comes first.
    private(set) var openings: [Opening] = []
    /// Files and folders inside of these that are covered.
    private(set) var covered: [String] = []

    /// Looks at what a command may read and write.
    ///
    /// - Throws: a path that is not there, or that is itself one of the hidden ones.
    init(_ command: StdioCommand, needs: [String], user: SandboxUser) throws(ChildFailure) {
        let named =
            command.readable.map { Opening(path: user.path($0), isWritable: false) }
            + command.writable.map { Opening(path: user.path($0), isWritable: true) }
        for opening in named {
            guard let real = FilePaths.real(opening.path) else {
                throw ChildFailure(
                    .missing,
                    "The entry opens \(opening.path), which is not on this machine: make it, or have an administrator mend the entry."
                )
            }
            if opening.isWritable, access(opening.path, W_OK) != 0, errno == EROFS {
                // As the agent's own service has it by default.
                throw ChildFailure(
                    .forbidden,
                    "The entry lets its program write to \(opening.path), which is read-only here. Where the agent runs as a "
                        + "service, run `systemctl --user edit doorward` and add: [Service] ReadWritePaths=\(opening.path)"
                )
            }
            for hidden in user.hidden where Self.lies(opening.path, real, in: hidden) {
                throw ChildFailure(
                    .forbidden,
                    "The entry opens \(opening.path), which is in \(hidden): no program may see that."
                )
            }
        }
        openings = (needs.map { Opening(path: $0, isWritable: false) } + named).enumerated()
            .sorted { left, right in
                let depths = [left, right].map { $0.element.path.split(separator: "/").count }
                return depths[0] != depths[1] ? depths[0] < depths[1] : left.offset < right.offset
            }
            .map(\.element)
        for hidden in user.hidden {
            guard let real = FilePaths.real(hidden) else { continue }
            for opening in openings {
                let shown = FilePaths.real(opening.path) ?? opening.path
                guard StdioCommand.lies(real, in: shown) else { continue }
                let rest = real.split(separator: "/").dropFirst(shown.split(separator: "/").count)
                let place = ([opening.path] + rest.map(String.init)).joined(separator: "/")
                if !covered.contains(place) { covered.append(place) }
            }
        }
    }

    private static func lies(_ path: String, _ real: String, in hidden: String) -> Bool {
        StdioCommand.lies(path, in: hidden) || StdioCommand.lies(real, in: FilePaths.real(hidden) ?? hidden)
    }
}
