internal import Fetch
package import Upstreams

/// How the messages of a server travel.
package enum ServerTransport: Sendable, Equatable {
    /// Streamable HTTP, or what the detection of eras finds at the address.
    case http(UpstreamEndpoint)
    /// HTTP+SSE of 2024-11-05, by the entry's own word.
    case eventStream(UpstreamEndpoint)
    /// Links that others make: children of the agent.
    case links(any ServerLinkSource)

    /// The address to connect to; nil where there is none.
    package var endpoint: UpstreamEndpoint? {
        switch self {
        case .http(let endpoint), .eventStream(let endpoint): endpoint
        case .links: nil
        }
    }

    /// What tells the server from all others: its URL, or what its links say.
    package var identity: String {
        switch self {
        case .http(let endpoint), .eventStream(let endpoint): endpoint.url.text
        case .links(let source): source.identity
        }
    }

    package static func == (left: ServerTransport, right: ServerTransport) -> Bool {
        switch (left, right) {
        case (.http(let one), .http(let other)), (.eventStream(let one), .eventStream(let other)): one == other
        case (.links(let one), .links(let other)): one.identity == other.identity
        case (.http, _), (.eventStream, _), (.links, _): false
        }
    }
}
