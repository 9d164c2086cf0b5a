internal import StrictJSON

// What can be wrong with a server on this machine.
extension Refusal {
    /// Another user's program has the server's port; `words` is the message that says whose.
    static func foreignServer(_ words: String, server: JSONText) -> Refusal {
        .down(
            "foreign_server",
            "Nothing was sent to {server}. \(words) Start the server's own program on that port; or, if that user is meant "
                + "to run it, have an administrator register it anew with `--allow-foreign-owner`.",
            server: server
        )
    }
}
