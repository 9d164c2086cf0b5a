package import Hummingbird
internal import Logging
internal import NIOCore

/// What the server knows of a request beside the request itself.
package struct CallContext: InitializableFromSource, Sendable {
    let logger: Logger
    /// The address at the other end of the connection, which may be a proxy's.
    let peer: String?
    let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        logger = source.logger
        channel = source.channel
        peer = source.channel.remoteAddress?.ipAddress
    }
}
