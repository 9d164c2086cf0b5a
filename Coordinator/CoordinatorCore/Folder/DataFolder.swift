internal import Errors
internal import Glibc
internal import ServiceKit

/// The folder of one coordinator: its settings, keys, certificates and database.
struct DataFolder: Sendable {
    /// Absolute.
    let path: String

    /// - Parameter path: relative to where the process was started, or absolute.
    init(_ path: String) {
        self.path = Self.absolute(path)
    }

    /// Written last by `init`: a folder with it holds a coordinator.
    var setup: String { file("coordinator.json") }
    /// 32 secret bytes: the seed of the coordinator's Ed25519 key.
    var signingKey: String { file("signing.key") }
    var database: String { file("coordinator.sqlite") }
    var authority: String { file("tls/ca.pem") }
    var authorityKey: String { file("tls/ca.key") }
    var certificate: String { file("tls/server.pem") }
    var certificateKey: String { file("tls/server.key") }

    var holdsCoordinator: Bool { Self.exists(setup) }

    /// Makes the folder for a new coordinator, which only its owner may read.
    ///
    /// - Throws: `folderTaken` if it holds anything, `failed` if it cannot be made.
    func make() throws {
        guard !holdsCoordinator else {
            throw CoordinatorError(
                .folderTaken,
                "\(path) already holds a coordinator.",
                next: "doorward-coordinator serve --data \(path)"
            )
        }
        try Self.makeFolder(path)
        guard try entries().isEmpty else {
            throw CoordinatorError(
                .folderTaken,
                "\(path) is not empty, and a coordinator needs a folder of its own.",
                next: "Name another folder with --data, or remove this one."
            )
        }
        // The folder may have been there before, open to others.
        guard chmod(path, 0o700) == 0 else { throw Self.failure(path, errno) }
        try Self.makeFolder(file("tls"))
    }

    /// Takes away all that `make` and what followed made, after a failure.
    func unmake() {
        for name in ["tls", ""] {
            let folder = name.isEmpty ? path : file(name)
            for entry in (try? Self.entries(of: folder)) ?? [] { unlink("\(folder)/\(entry)") }
            // A folder that was there before stays, as it was: empty.
            if !name.isEmpty { rmdir(folder) }
        }
    }

    /// Holds the folder for this process alone, as long as what is returned is there.
    ///
    /// - Throws: `running` if another process has it.
    func lock() throws -> FileLock {
        do {
            return try FileLock(file("lock"))
        } catch .failed(let error) {
            throw Self.failure(path, error)
        } catch .taken {
            throw CoordinatorError(
                .running,
                "Another process serves \(path).",
                next: "End the other process, or name another folder with --data."
            )
        }
    }

    private func file(_ name: String) -> String { "\(path)/\(name)" }

    private static func makeFolder(_ path: String) throws {
        let error = PrivateFolder.make(path)
        guard error == 0 else { throw failure(path, error) }
    }

    private func entries() throws -> [String] {
        // What file systems put into the top of a fresh volume.
        try Self.entries(of: path).filter { $0 != "lost+found" }
    }

    private static func entries(of path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw failure(path, errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }

    /// The path from the root, without `.` and `..`: others are told of files below it.
    private static func absolute(_ path: String) -> String {
        var path = path
        if !path.hasPrefix("/"), let working = getcwd(nil, 0) {
            path = "\(String(cString: working))/\(path)"
            free(working)
        }
        var parts: [String] = []
        for part in path.split(separator: "/") where part != "." {
            guard part == ".." else {
                parts.append(String(part))
                continue
            }
            // Above a link is what is above the folder that it leads to.
            if let real = realpath("/" + parts.joined(separator: "/"), nil) {
                parts = String(cString: real).split(separator: "/").map(String.init)
                free(real)
            }
            _ = parts.popLast()
        }
        return "/" + parts.joined(separator: "/")
    }

    private static func failure(_ path: String, _ number: Int32) -> CoordinatorError {
        CoordinatorError(
            .failed,
            "\(path) cannot be used: \(String(cString: strerror(number))).",
            next: "Name a folder that can be written with --data."
        )
    }
}
