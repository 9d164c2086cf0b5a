/// How large and how deep a document may be.
package struct JSONLimits: Hashable, Sendable {
    /// The largest document in bytes.
    package let maxBytes: Int
    /// How many objects and arrays may be nested; the top-level object is the first.
    package let maxDepth: Int

    /// Limits of a caller's own.
    ///
    /// The scanner descends by calls, so the depth is held to 128 whatever is asked for; offsets are 32 bit, so the
    /// size is held to 1 GiB.
    package init(maxBytes: Int, maxDepth: Int) {
        self.maxBytes = min(max(maxBytes, 0), 1 << 30)
        self.maxDepth = min(max(maxDepth, 1), 128)
    }

    /// A message from an MCP client, an answer of a web API, a file: 4 MiB, 64 deep.
    package static let message = JSONLimits(maxBytes: 4 << 20, maxDepth: 64)
    /// A result or event from an MCP server: 8 MiB, 64 deep.
    package static let reply = JSONLimits(maxBytes: 8 << 20, maxDepth: 64)
    /// A record or another leaf of a log: 8 KiB, 4 deep.
    package static let record = JSONLimits(maxBytes: 8 << 10, maxDepth: 4)
    /// A policy bundle: 1 MiB, 8 deep.
    package static let bundle = JSONLimits(maxBytes: 1 << 20, maxDepth: 8)
}
