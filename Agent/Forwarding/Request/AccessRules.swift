internal import Wire

/// Who may speak to the listener at all, by what a browser cannot forge: `Host`, `Origin` and fetch metadata.
///
/// A page of a stranger whose name was rebound to this machine still sends the stranger's name as `Host`; a page that
/// calls from elsewhere sends its `Origin`.
struct AccessRules: Sendable {
    private let hosts: [[UInt8]]
    private let origins: [[UInt8]]
    /// Of pages that are not this machine's own.
    private let foreignOrigins: [[UInt8]]

    /// - Parameters:
    ///   - port: the port that is listened on.
    ///   - origins: further origins, as the settings name them.
    init(port: Int, origins: [String]) {
        let names = ["127.0.0.1:\(port)", "localhost:\(port)", "[::1]:\(port)"]
        hosts = names.map { Array($0.utf8) }
        foreignOrigins = origins.map { Array($0.utf8) }
        self.origins = names.map { Array("http://\($0)".utf8) } + foreignOrigins
    }

    /// Looks at a head.
    ///
    /// - Parameters:
    ///   - head: the head of the request.
    ///   - bytes: the buffer that holds it.
    ///   - isOverSocket: whether the user is proven by the socket; `Host` is free then.
    /// - Returns: the status to refuse the request with; nil for one that may go on.
    func refusal(of head: RequestHead, in bytes: UnsafeRawBufferPointer, isOverSocket: Bool) -> Int? {
        if !isOverSocket {
            guard let host = head.value(.host, in: bytes), hosts.contains(where: { Self.isEqual($0, host) }) else {
                return 421
            }
        }
        if let origin = head.value(.origin, in: bytes) {
            return origins.contains { $0.elementsEqual(origin) } ? nil : 403
        }
        // Requests that a page can make without an `Origin` (an image, a link) say where they come from like this.
        guard let site = head.value(.fetchSite, in: bytes) else { return nil }
        return site.elementsEqual("none".utf8) || site.elementsEqual("same-origin".utf8) ? nil : 403
    }

    /// The origin of a page that the settings let in, to which its browser shows an answer only if that names it; nil for
    /// all who need no such word.
    func foreignOrigin(of head: RequestHead, in bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard !foreignOrigins.isEmpty, let origin = head.value(.origin, in: bytes) else { return nil }
        return foreignOrigins.first { $0.elementsEqual(origin) }
    }

    /// Host names compare without regard to case.
    private static func isEqual(_ name: [UInt8], _ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard name.count == value.count else { return false }
        for index in 0..<name.count {
            let byte = value[index]
            let folded = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            if folded != name[index] { return false }
        }
        return true
    }
}
