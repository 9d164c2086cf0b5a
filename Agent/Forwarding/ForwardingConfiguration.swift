internal import MCP

/// The bounds of the data path; each has the value that the documentation promises.
package struct ForwardingConfiguration: Sendable {
    /// The longest body of a request, in bytes: 413 beyond.
    ///
    /// Default 4 MiB.
    package var longestBody = 4 << 20
    /// The longest head of a request, in bytes: 431 beyond.
    ///
    /// Default 64 KiB.
    package var longestHead = 64 << 10
    /// The longest result or event of a server, in bytes.
    ///
    /// Default 8 MiB.
    package var longestReply = 8 << 20
    /// The most pages of a list that are put together for a client that asks for the whole list.
    ///
    /// Default 100.
    package var mostPages = 100
    /// The most entries of such a list.
    ///
    /// Default 10,000.
    package var mostItems = 10_000
    /// How long the head of a request may take from its first byte on: 408 beyond.
    ///
    /// Default 10 s.
    package var headDeadline = Duration.seconds(10)
    /// How long the body of a request may rest: 408 beyond.
    ///
    /// Default 30 s.
    package var bodyRest = Duration.seconds(30)
    /// How long a client may leave what was sent to it unread; then the connection is closed.
    ///
    /// Default 60 s.
    package var readerRest = Duration.seconds(60)
    /// How long calls may go on once the agent is told to end.
    ///
    /// Default 5 s.
    package var grace = Duration.seconds(5)
    /// The most connections at a time; fewer where the file limit leaves room for fewer.
    ///
    /// Default 4096.
    package var mostConnections = 4096
    /// What all connections may hold together of requests, answers and what clients leave unread, in bytes: beyond it the
    /// greediest client's are closed.
    ///
    /// Default 96 MiB, and never less than four of the longest messages.
    package var mostHeld: Int {
        get { max(held, 4 * max(longestBody, longestReply)) }
        set { held = newValue }
    }
    private var held = 96 << 20
    /// How long a session may rest before it is forgotten.
    ///
    /// Default 24 h.
    package var sessionRest = Duration.seconds(86_400)
    /// How many calls may wait at a time for their streams to be taken up again.
    ///
    /// Default 4096.
    package var mostParked = 4096
    /// How long the head of an event stream waits for a first message, so that a response can go out as JSON.
    ///
    /// Default 15 s.
    package var headPatience = Duration.seconds(15)
    /// How long a change of the policy waits for the next one before clients are told that their lists are others.
    ///
    /// Default 250 ms.
    package var changeRest = Duration.milliseconds(250)
    /// How long the coordinator may take to countersign the record of a call that a rule wants it to have first.
    ///
    /// Default 10 s: clients wait for a minute.
    package var countersigning = Duration.seconds(10)
    /// Origins of web pages that may call, beside the agent's own.
    ///
    /// Default none.
    package var origins: [String] = []
    /// How the agent calls itself to servers.
    package var userAgent = "doorward"

    package init() {}
}

extension ForwardingConfiguration {
    /// How much of a list is put together.
    var list: WholeList.Bounds { WholeList.Bounds(pages: mostPages, items: mostItems, bytes: longestReply) }
}
