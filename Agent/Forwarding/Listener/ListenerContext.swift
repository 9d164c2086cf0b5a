internal import NIOCore

/// One of the two listeners, as its connections see it.
struct ListenerContext {
    let rules: AccessRules
    /// Whether it is the unix socket, where the kernel says for each connection who is there.
    let isSocket: Bool
    /// Whether the other end of a connection belongs to this user.
    let isSameUser: (any Channel) -> Bool
    /// Answer what is not an MCP route.
    let pages: any LocalEndpoints
}
