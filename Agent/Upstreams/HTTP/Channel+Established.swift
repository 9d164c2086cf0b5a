import Glibc
import NIOCore

extension Channel {
    /// Whether the kernel holds the connection for whole in both directions; true where it does not say.
    ///
    /// `tcpi_state` is the first byte of what `TCP_INFO` gives (linux/tcp.h), and 1 is ESTABLISHED.
    var isEstablished: Bool {
        let option = ChannelOptions.socket(SocketOptionLevel(IPPROTO_TCP), SocketOptionName(TCP_INFO))
        guard let options = syncOptions, let word = try? options.getOption(option) else { return true }
        return withUnsafeBytes(of: word) { $0[0] } == 1
    }
}
