package import NIOCore

/// What one shim connects to, and its bounds.
package struct ShimConfiguration: Sendable {
    /// The agent's socket.
    package var socketPath: String
    /// The path of the endpoint, such as `/servers/github/mcp`.
    package var target: String
    /// What is behind it, in words: an alias, or `the servers`.
    package var server: String
    /// As which client to act; nil for `local`.
    package var client: String?

    /// The longest message of the client, in bytes: what the agent takes.
    package var longestMessage = 4 << 20
    /// The longest line that is read for the sake of its id, in bytes.
    package var longestLine = 16 << 20
    /// The longest message of the agent, in bytes.
    package var longestAnswer = 64 << 20
    /// How many requests may be under way.
    package var mostRequests = 1024
    /// How many bytes the messages that are under way may have together.
    package var mostHeld = 64 << 20
    /// How long a request waits for an agent that has never answered: long enough for one that starts together with the
    /// client.
    package var firstPatience = TimeAmount.seconds(3)
    /// How long it waits for one that was there: a restart takes a second or two.
    package var patience = TimeAmount.seconds(15)
    /// How long requests that are under way may go on once standard input has ended: clients kill after two seconds.
    package var lastWords = TimeAmount.milliseconds(1200)

    package init(socketPath: String, target: String, server: String, client: String?) {
        self.socketPath = socketPath
        self.target = target
        self.server = server
        self.client = client
    }
}
