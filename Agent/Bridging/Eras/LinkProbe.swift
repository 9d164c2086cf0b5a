internal import MCP
internal import NIOCore
internal import Upstreams

/// One question at the other end of a link, which ends with the answer.
final class LinkProbe: ServerLinkDelegate {
    enum Found: Equatable {
        /// The link is open, and nothing was asked or answered.
        case opened
        case answered(PeerMessage)
        case ended(UpstreamFailure)

        static func == (left: Found, right: Found) -> Bool {
            if case .opened = left, case .opened = right { true } else { false }
        }
    }

    private let link: any ServerLink
    private let isAsking: Bool
    private var done: ((Found) -> Void)?
    private var timer: Scheduled<Void>?

    /// How long an answer is waited for: servers that start slowly are no older for it.
    private static let patience = TimeAmount.seconds(20)

    /// Opens the link and asks; without a question it is enough that the link opens.
    static func begin(
        _ link: any ServerLink,
        on loop: any EventLoop,
        asking question: [UInt8]?,
        _ done: @escaping (Found) -> Void
    ) {
        let probe = LinkProbe(link, isAsking: question != nil, done)
        link.open(probe)
        if let question { link.send(ByteBuffer(bytes: question)) }
        // The timer holds the probe for as long as it runs.
        probe.timer = loop.assumeIsolated().scheduleTask(in: patience) {
            let error = UpstreamError(.timeout, "The server does not answer.")
            probe.end(question == nil ? .ended(.notSent(error)) : .opened)
        }
    }

    private init(_ link: any ServerLink, isAsking: Bool, _ done: @escaping (Found) -> Void) {
        self.link = link
        self.isAsking = isAsking
        self.done = done
    }

    private func end(_ found: Found) {
        guard let done else { return }
        self.done = nil
        timer?.cancel()
        link.close()
        done(found)
    }

    func linkOpened() {
        if !isAsking { end(.opened) }
    }

    func linkReceived(_ message: ByteBuffer) {
        guard isAsking, let read = try? PeerMessage(ofServer: Array(message.readableBytesView)),
            read.kind == .response || read.kind == .errorResponse
        else { return }
        end(.answered(read))
    }

    func linkEnded(_ failure: UpstreamFailure, status: Int?) { end(.ended(failure)) }
}

/// A link to a server that has none.
final class MissingLink: ServerLink {
    private let loop: any EventLoop
    private let error: UpstreamError
    private weak var delegate: (any ServerLinkDelegate)?
    var authorization: [UInt8]?
    var isReading = true

    init(_ loop: any EventLoop, because error: UpstreamError = .unreachable) {
        self.loop = loop
        self.error = error
    }

    func open(_ delegate: any ServerLinkDelegate) {
        self.delegate = delegate
        loop.assumeIsolated().execute { self.delegate?.linkEnded(.notSent(self.error), status: nil) }
    }

    func send(_ message: ByteBuffer) {}

    func close() { delegate = nil }
}

extension UpstreamError {
    static let unreachable = UpstreamError(.down, "This server cannot be reached.")
    static let crowded = UpstreamError(
        .tooManyConnections,
        "Your client has as many conversations with this server at work as it may: try again when one has ended."
    )
}
