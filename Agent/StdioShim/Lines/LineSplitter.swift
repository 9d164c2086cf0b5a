/// Cuts standard input into lines, however its bytes come; pure.
///
/// A line ends with a line feed; the carriage return before it is white space of the message. Lines without a message are
/// none.
struct LineSplitter {
    /// What was found.
    enum Line: Equatable {
        case whole([UInt8])
        /// A line that is longer than may be: its beginning, which may be all that is ever known of it.
        case tooLong([UInt8])
    }

    private var partial: [UInt8] = []
    private var isSkipping = false
    private let longest: Int

    /// - Parameter longest: how many bytes a line may have.
    init(longest: Int) {
        self.longest = longest
    }

    /// Takes what was read, and hands out the lines that are whole.
    mutating func append(_ bytes: some Collection<UInt8>, _ body: (Line) -> Void) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0A) {
            take(rest[..<end], body)
            finish(body)
            rest = rest[rest.index(after: end)...]
        }
        take(rest, body)
    }

    /// The input has ended: what came last needs no line feed.
    mutating func end(_ body: (Line) -> Void) { finish(body) }

    private mutating func take(_ bytes: some Collection<UInt8>, _ body: (Line) -> Void) {
        guard !isSkipping else { return }
        guard partial.count + bytes.count <= longest else {
            // The rest of it is read and forgotten.
            isSkipping = true
            partial.append(contentsOf: bytes.prefix(longest - partial.count))
            body(.tooLong(partial))
            partial = []
            return
        }
        partial.append(contentsOf: bytes)
    }

    private mutating func finish(_ body: (Line) -> Void) {
        let line = partial
        partial = []
        guard !isSkipping else {
            isSkipping = false
            return
        }
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return }
        body(.whole(line))
    }
}
