internal import Fetch
internal import Glibc
internal import ServiceKit

/// The tokens for upstream registries that ask for one: a file each, which whoever runs the coordinator puts there.
///
/// A file is named after the host, so no change of settings can send a token to somebody else; and it is no setting
/// itself, since settings are read by many and no secret of theirs is in the database.
package struct UpstreamCredentials: Sendable {
    private let folder: String

    /// In a folder, which need not be there.
    package init(folder: String) { self.folder = folder }

    /// The token for a URL, or nil where there is none; throws `UpstreamFailure` for a file that others may read.
    func token(for url: String) throws -> String? {
        guard let path = path(for: url) else { return nil }
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        guard status.st_mode & 0o077 == 0 else {
            throw UpstreamFailure("\(path) can be read by others.", next: "chmod 600 \(path)")
        }
        guard let bytes = try? DurableFile.read(path, maxBytes: 4096) else {
            throw UpstreamFailure("\(path) cannot be read.")
        }
        let text = String(
            decoding: bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") },
            as: UTF8.self
        )
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw UpstreamFailure("\(path) holds no token on its first line.")
        }
        return text
    }

    /// What to do where a token is missing.
    func advice(for url: String) -> String? {
        path(for: url).map { "Put a token for it into \($0), mode 600." }
    }

    /// `HOST.token`, or `HOST:PORT.token` where the port is not the usual one.
    private func path(for url: String) -> String? {
        guard let url = WebURL(url), url.scheme == "https" || url.isLoopback else { return nil }
        let port = url.port == 443 ? "" : ":\(url.port)"
        return "\(folder)/\(url.host)\(port).token"
    }
}
