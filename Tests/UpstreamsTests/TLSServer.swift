import Foundation
import Glibc

/// `openssl s_server` with a certificate of its own making for `localhost` and `127.0.0.1`.
struct TLSServer {
    let port: Int
    var certificate: String { files.certificate }
    private let process: pid_t
    private let files: TLSFiles
    private let reserved: RawServer

    /// - Parameter protocols: what it speaks by ALPN, and nothing else; nil where it does not say.
    /// - Throws: where it cannot be started.
    init(protocols: String? = nil) throws {
        let files = try TLSFiles()
        self.files = files
        // Both take their port with SO_REUSEADDR, so that this one keeps it free of others and does not listen itself.
        reserved = try RawServer(isListening: false) { _, _ in }
        port = reserved.port
        process = try Self.openssl(
            "s_server -accept 127.0.0.1:\(port) -cert \(files.certificate) -key \(files.key) -www -quiet"
                + (protocols.map { " -alpn \($0)" } ?? "")
        )
        for _ in 0..<500 where !RawServer.isListening(on: port) { usleep(10_000) }
    }

    func stop() {
        kill(process, SIGKILL)
        Self.wait(for: process)
        files.remove()
    }

    fileprivate static func wait(for process: pid_t) {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }

    fileprivate static func openssl(_ line: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0...2 as ClosedRange<Int32> {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var words = (["openssl"] + line.split(separator: " ").map(String.init)).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        guard posix_spawn(&process, "/usr/bin/openssl", &actions, nil, &words, environ) == 0 else {
            throw POSIXError(.ENOENT)
        }
        return process
    }
}

/// A certificate for `localhost`, `mcp.example` and `127.0.0.1`, and its key, in a folder of their own.
struct TLSFiles {
    let certificate: String
    let key: String
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "tls-server-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        certificate = folder + "/certificate.pem"
        key = folder + "/key.pem"
        TLSServer.wait(
            for: try TLSServer.openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost "
                    + "-addext subjectAltName=DNS:localhost,DNS:mcp.example,IP:127.0.0.1 -keyout \(key) -out \(certificate)"
            )
        )
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }
}
