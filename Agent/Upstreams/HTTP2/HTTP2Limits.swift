import NIOCore
import NIOHPACK
import NIOHTTP2

/// The bounds of a connection of HTTP/2: what the server may send, and what of its sending is an attack.
enum HTTP2Limits {
    /// Its name among those that TLS agrees on (RFC 7301).
    static let name = "h2"
    /// Exchanges on one connection, fewer where the server says so; others get connections of their own.
    static let streams = 100
    /// What may come of one response that nobody takes, in bytes: what the kernel holds of a connection of HTTP/1.1.
    static let streamWindow = 256 << 10
    /// What may come between two looks at the connection, in bytes.
    static let connectionWindow = 4 << 20
    /// Interim responses (1xx) before the response.
    static let interims = 8
    /// Numbers of streams end somewhere; a connection that comes near is followed by another.
    static let lastID = HTTP2StreamID(1 << 30)

    /// Whether these are the first bytes of a server that speaks HTTP/2 without having been asked: its settings, on no stream
    /// (RFC 9113 sections 3.4 and 6.5).
    static func isSettings(_ buffer: ByteBuffer) -> Bool {
        let head = buffer.readableBytesView.prefix(9)
        return head.count == 9 && head.first == 0 && Array(head.dropFirst(3)) == [4, 0, 0, 0, 0, 0]
    }

    /// The library's part of a connection.
    static func handler(_ connection: HTTP2Connection) -> NIOHTTP2Handler {
        NIOHTTP2Handler(
            mode: .client,
            frameDelegate: connection.frames,
            connectionConfiguration: configuration(connection.server.configuration)
        )
    }

    private static func configuration(_ bounds: UpstreamConfiguration) -> NIOHTTP2Handler.ConnectionConfiguration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: streamWindow),
            HTTP2Setting(parameter: .maxHeaderListSize, value: bounds.maxHeadBytes),
        ]
        // Some servers end a body with an empty frame, or send one now and then.
        connection.maximumSequentialEmptyDataFrames = 16
        // Some measure the way with a ping for much of what they send.
        connection.controlFrameRateLimit.maximumCount = 2000
        connection.controlFrameRateLimit.windowLength = .seconds(10)
        connection.maximumBufferedControlFrames = 1000
        // What still comes of exchanges that were given up is no fault of the server.
        connection.maximumRecentlyResetStreams = 1024
        return connection
    }
}

/// Notes which frames the library writes on its own account: an error that it tells is about one stream if it has reset one.
final class WrittenFrames: NIOHTTP2FrameDelegate {
    private var hasReset = false

    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .rstStream: hasReset = true
        case .data, .headers, .priority, .settings, .pushPromise, .ping, .goAway, .windowUpdate, .alternativeService,
            .origin:
            hasReset = false
        }
    }

    /// Whether a stream was reset last; once.
    func takeReset() -> Bool {
        defer { hasReset = false }
        return hasReset
    }

    /// The last reset was none of the library's.
    func forgetReset() { hasReset = false }
}
