/// What the agent does for a request to the endpoint of all servers; its connection holds it until the request has its
/// answer.
protocol Gathering: AnyObject {
    /// Whether it lasts for as long as the client wants to listen.
    var isStream: Bool { get }

    /// The client has gone, and with it whatever waits for an answer.
    func clientGone()

    /// The client takes more, or takes no more for now.
    func clientWritable(_ isWritable: Bool)
}
