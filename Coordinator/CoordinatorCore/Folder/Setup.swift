internal import AuditLog
internal import AuditSink
internal import Contract
internal import Errors
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// What `init` was told, for every later start.
struct Setup: Sendable {
    /// Where people and machines reach the coordinator: scheme, host and port, no path.
    let url: ServerURL
    /// Absolute paths of a certificate chain and its key that another program looks after; nil with the local CA.
    let files: CertificateFiles?

    /// Where a certificate chain and its key are.
    struct CertificateFiles: Sendable, Equatable {
        let certificate: String
        let key: String
    }

    /// The URL of `--url`, which is an origin.
    static func url(_ text: String) throws -> ServerURL {
        let url: ServerURL
        do {
            url = try ServerURL(text)
        } catch {
            throw CoordinatorError(.usage, "--url \(error.why).", next: "Give --url like https://doorward.example:8443")
        }
        guard url.isSecure else {
            throw CoordinatorError(
                .usage,
                "--url must begin with https://: the coordinator is reached over TLS, by itself or through a proxy.",
                next: "Give --url like https://doorward.example:8443"
            )
        }
        guard url.target == "/", !text.contains("?") else {
            throw CoordinatorError(
                .usage,
                "--url has a path, and the coordinator has none.",
                next: "Give --url like https://doorward.example:8443"
            )
        }
        return url
    }

    /// The names that the coordinator signs under: its host, and the port where it is not 443.
    var names: LogNames {
        let host = url.host.contains(":") ? "[\(url.host)]" : url.host
        return LogNames(host: url.port == 443 ? host : "\(host):\(url.port)")
    }

    /// The URL as browsers say where a page comes from (RFC 6454 section 6.2).
    var origin: String { "https://\(names.host)" }

    /// The URL as it is shown, without a slash at its end.
    var shownURL: String { url.text.hasSuffix("/") ? String(url.text.dropLast()) : url.text }

    func write(to folder: DataFolder) throws {
        var object: JSONObject = ["v": 1, "url": .text(shownURL)]
        if let files {
            object["tls_cert"] = .text(files.certificate)
            object["tls_key"] = .text(files.key)
        }
        try DurableFile.write(try JSONValue.object(object).canonicalBytes() + Array("\n".utf8), to: folder.setup)
    }

    /// What `write` wrote.
    static func read(from folder: DataFolder) throws -> Setup {
        guard let bytes = try DurableFile.read(folder.setup, maxBytes: 1 << 16) else {
            throw CoordinatorError(
                .noCoordinator,
                "\(folder.path) holds no coordinator.",
                next: "doorward-coordinator init --data \(folder.path) --url https://HOST:PORT"
            )
        }
        do {
            return try ObjectReader.read(try JSONValue(parsing: bytes)) { reader in
                guard try reader.int("v") == 1 else { throw ShapeError("v", "is of a later release") }
                let url = try Self.url(try reader.text("url"))
                let certificate = try reader.optionalText("tls_cert")
                let key = try reader.optionalText("tls_key")
                guard (certificate == nil) == (key == nil) else {
                    throw ShapeError("tls_cert", "and tls_key belong together")
                }
                let files = certificate.flatMap { certificate in
                    key.map { CertificateFiles(certificate: certificate, key: $0) }
                }
                return Setup(url: url, files: files)
            }
        } catch {
            throw CoordinatorError(
                .folderDamaged,
                "\(folder.setup) is not as `init` wrote it: \(error).",
                next: "Restore the folder from a backup."
            )
        }
    }

    /// The coordinator's key in its folder.
    func key(in folder: DataFolder) throws -> CoordinatorKey {
        guard let seed = try DurableFile.read(folder.signingKey, maxBytes: 64), let key = SigningKey(seed: seed) else {
            throw CoordinatorError(
                .folderDamaged,
                "\(folder.signingKey) does not hold the coordinator's key.",
                next: "Restore the folder from a backup."
            )
        }
        return CoordinatorKey(signing: key, names: names)
    }
}
