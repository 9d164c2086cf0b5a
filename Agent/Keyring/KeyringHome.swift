internal import Glibc
internal import Synchronization

/// Which keyring has the secrets of a home: another one under the same name proves nothing by having none.
///
/// Kept in a file, so that a process that starts while another keyring answers knows it too. It is no secret, and where
/// it cannot be read or written nothing is lost but the better message.
final class KeyringHome: Sendable {
    private let file: String?
    private let known: Mutex<KeyringProvider?>

    init(file: String?) {
        self.file = file
        known = Mutex(file.flatMap(Self.read))
    }

    var provider: KeyringProvider? { known.withLock { $0 } }

    /// Secrets of the home were found there, or put there.
    func isIn(_ provider: KeyringProvider) {
        guard provider != .unknown else { return }
        known.withLock { known in
            guard known != provider else { return }
            known = provider
            if let file { Self.write(provider.name, to: file) }
        }
    }

    private static let longest = 64

    private static func read(_ path: String) -> KeyringProvider? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: longest)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let name = bytes[..<count].prefix { (0x21...0x7E).contains($0) }
        return name.isEmpty ? nil : KeyringProvider(name: String(decoding: name, as: UTF8.self))
    }

    private static func write(_ name: String, to path: String) {
        let new = "\(path).new"
        let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return }
        let bytes = Array("\(name)\n".utf8)
        let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count
        close(file)
        if !isWritten || rename(new, path) != 0 { unlink(new) }
    }
}
