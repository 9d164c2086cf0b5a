internal import MCP
package import NIOCore
package import StrictJSON
package import Upstreams

/// A way to one server for whole JSON-RPC messages in both directions: the pipes of a child, or an event stream with an
/// address to post to.
///
/// It belongs to the event loop.
package protocol ServerLink: AnyObject {
    /// The value of `Authorization` from the next request on, for a link that goes over HTTP.
    var authorization: [UInt8]? { get set }

    /// Whether messages are read; what was read before still comes.
    var isReading: Bool { get set }

    /// Starts it. What is sent before it is open is kept, within a bound.
    func open(_ delegate: any ServerLinkDelegate)

    /// Sends one whole message, which contains no line feed.
    func send(_ message: ByteBuffer)

    /// Ends it; the delegate hears nothing more.
    func close()
}

/// Hears of a link, never from within one of the link's own functions.
package protocol ServerLinkDelegate: AnyObject {
    /// The server can be spoken to.
    func linkOpened()

    /// One whole message, no longer than a reply may be; nothing else of it is checked.
    func linkReceived(_ message: ByteBuffer)

    /// The link is over.
    ///
    /// - Parameters:
    ///   - failure: `notSent` where the server can have heard of nothing that was sent.
    ///   - status: the status of the server's answer over HTTP, where that is the reason.
    func linkEnded(_ failure: UpstreamFailure, status: Int?)
}

/// What links to one server are made from.
package protocol ServerLinkSource: AnyObject, Sendable {
    /// What tells the server from all others: the hash of a command, or a URL.
    var identity: String { get }

    /// A link that nothing else uses; it starts when it is opened. Called on the event loop.
    func makeLink(_ key: IsolationKey, loop: any EventLoop) -> any ServerLink
}

/// Who shares a session of a server, or a child.
package struct IsolationKey: Hashable, Sendable {
    /// The server's alias.
    package let server: JSONText
    /// The client; empty where all clients of the user share.
    package let client: JSONText
    /// The conversation of a client; empty where its conversations share.
    package let thread: JSONText

    package init(server: JSONText, client: JSONText, thread: JSONText) {
        self.server = server
        self.client = client
        self.thread = thread
    }
}

extension Isolation {
    /// The key of one conversation.
    func key(server: JSONText, client: JSONText, thread: JSONText) -> IsolationKey {
        switch self {
        case .perUser: IsolationKey(server: server, client: "", thread: "")
        case .perClient: IsolationKey(server: server, client: client, thread: "")
        case .perSession: IsolationKey(server: server, client: client, thread: thread)
        }
    }
}
