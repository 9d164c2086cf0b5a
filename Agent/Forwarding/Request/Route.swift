/// What a path of the agent leads to.
enum Route: Equatable {
    /// `/healthz`: the process lives.
    case health
    /// `/readyz` and `/metrics`, which are open like `/healthz` and answered elsewhere.
    case openPage
    /// Documents of authorization servers; the agent is not one.
    case wellKnown
    /// `/servers/ALIAS/mcp`, or `/servers/ALIAS/threads/ID/mcp`; the ranges of alias and id in the path.
    case server(Range<Int>, thread: Range<Int>? = nil)
    /// `/mcp`, or `/threads/ID/mcp`: all servers that the client may use; the range of the id in the path.
    case everyServer(thread: Range<Int>? = nil)
    /// `/control/...`: on the unix socket alone.
    case control
    /// The user's own page, for browsers: its cookie is judged elsewhere.
    case ownPage
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
            self = Self.server(path, 9..<max(9, path.count - 4))
        } else if path.elementsEqual("/mcp".utf8) {
            self = .everyServer()
        } else if Self.begins(path, "/threads/"), Self.ends(path, "/mcp") {
            let thread = 9..<max(9, path.count - 4)
            self = Self.isThread(path[thread]) ? .everyServer(thread: thread) : .nowhere
        } else if Self.begins(path, "/control/") {
            self = .control
        } else if Self.begins(path, "/.well-known/") {
            self = .wellKnown
        } else if path.elementsEqual("/healthz".utf8) {
            self = .health
        } else if path.elementsEqual("/readyz".utf8) || path.elementsEqual("/metrics".utf8) {
            self = .openPage
        } else if Self.ownPages.contains(where: path.elementsEqual) || Self.begins(path, "/open/") {
            self = .ownPage
        } else {
            self = .nowhere
        }
    }

    private static let ownPages = ["/", "/calls", "/machine", "/connect", "/close", "/page.css", "/page.svg"].map {
        Array($0.utf8)
    }

    /// The server of what lies between: one segment, or one with a thread behind it, or this is not a server.
    private static func server(_ path: UnsafeBufferPointer<UInt8>, _ between: Range<Int>) -> Route {
        let slash = UInt8(ascii: "/")
        let alias = between.lowerBound..<(path[between].firstIndex(of: slash) ?? between.upperBound)
        guard !alias.isEmpty else { return .nowhere }
        guard alias.upperBound < between.upperBound else { return .server(alias) }
        let rest = UnsafeBufferPointer(rebasing: path[alias.upperBound..<between.upperBound])
        let thread = (alias.upperBound + 9)..<max(alias.upperBound + 9, between.upperBound)
        guard begins(rest, "/threads/"), isThread(path[thread]) else { return .nowhere }
        return .server(alias, thread: thread)
    }

    private static func isThread(_ id: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        (1...64).contains(id.count) && id.allSatisfy(isOfThread)
    }

    private static func isOfThread(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Whether it is answered without a client's credential.
    var isOpen: Bool {
        switch self {
        case .health, .openPage, .wellKnown, .ownPage: true
        case .server, .everyServer, .control, .nowhere: false
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
