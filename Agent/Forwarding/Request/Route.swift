/// What a path of the agent leads to.
enum Route: Equatable {
    /// `/healthz`: the process lives.
    case health
    /// `/readyz` and `/metrics`, which are open like `/healthz` and answered elsewhere.
    case openPage
    /// Documents of authorization servers; the agent is not one.
    case wellKnown
    /// `/servers/ALIAS/mcp`; the range of the alias in the path.
    case server(Range<Int>)
    /// `/control/...`: on the unix socket alone.
    case control
    case nowhere

    /// A path without the one slash that people write behind it.
    static func normal(_ path: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        guard path.count > 1, path[path.count - 1] == UInt8(ascii: "/") else { return path }
        return UnsafeBufferPointer(rebasing: path[..<(path.count - 1)])
    }

    /// The route of a path, which is compared byte by byte: nothing is decoded, and nothing but one slash at the end is
    /// normalised, so there is one way to write each.
    init(_ path: UnsafeBufferPointer<UInt8>) {
        let path = Self.normal(path)
        if Self.begins(path, "/servers/"), Self.ends(path, "/mcp") {
            let alias = 9..<max(9, path.count - 4)
            // What lies between is one segment, or this is not a server.
            self = alias.isEmpty || path[alias].contains(UInt8(ascii: "/")) ? .nowhere : .server(alias)
        } else if Self.begins(path, "/control/") {
            self = .control
        } else if Self.begins(path, "/.well-known/") {
            self = .wellKnown
        } else if path.elementsEqual("/healthz".utf8) {
            self = .health
        } else if path.elementsEqual("/readyz".utf8) || path.elementsEqual("/metrics".utf8) {
            self = .openPage
        } else {
            self = .nowhere
        }
    }

    /// Whether it is answered without a credential.
    var isOpen: Bool {
        switch self {
        case .health, .openPage, .wellKnown: true
        case .server, .control, .nowhere: false
        }
    }

    private static func begins(_ path: UnsafeBufferPointer<UInt8>, _ start: StaticString) -> Bool {
        guard path.count >= start.utf8CodeUnitCount else { return false }
        for index in 0..<start.utf8CodeUnitCount where path[index] != start.utf8Start[index] { return false }
        return true
    }

    private static func ends(_ path: UnsafeBufferPointer<UInt8>, _ end: StaticString) -> Bool {
        let offset = path.count - end.utf8CodeUnitCount
        guard offset >= 0 else { return false }
        for index in 0..<end.utf8CodeUnitCount where path[offset + index] != end.utf8Start[index] { return false }
        return true
    }
}
