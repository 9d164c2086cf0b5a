package import StrictJSON

/// A list that is put together out of the pages which its server cuts, as if it had come in one answer.
///
/// Many clients read the first page of a list and silently lose the rest. Nothing is judged here: the whole list is
/// filtered as a page would have been.
package struct WholeList: Sendable {
    /// How much of a list is put together.
    package struct Bounds: Hashable, Sendable {
        package let pages: Int
        package let items: Int
        /// Of the whole list, in bytes.
        package let bytes: Int

        package init(pages: Int, items: Int, bytes: Int) {
            self.pages = pages
            self.items = items
            self.bytes = bytes
        }
    }

    /// What follows a page.
    package enum Step: Hashable, Sendable {
        /// The page behind this cursor.
        case next(cursor: JSONText)
        /// Nothing: the list is whole.
        case end
    }

    /// Why a list cannot be put together.
    package enum Problem: Error, Hashable, Sendable {
        case tooManyPages, tooManyItems, tooLarge
        /// A cursor came for the second time: there would be no end of pages.
        case cursorCycle
        case unreadable(JSONError)
    }

    private let method: MCPMethod
    private let bounds: Bounds
    private let limits: JSONLimits
    private var cursors: Set<JSONText> = []
    /// What the first page has beside the list.
    private var others: [UInt8] = []
    /// The entries of all pages, with commas between them.
    private var entries: [UInt8] = []
    /// For how long the page may be kept that may be kept shortest, in milliseconds; nil where the first page does not say.
    private var ttl: Int?
    private var hasHints = false
    /// How many pages were read.
    package private(set) var pages = 0
    /// How many entries they have.
    package private(set) var items = 0

    /// A list without pages.
    ///
    /// - Parameters:
    ///   - method: the method that asks for it.
    ///   - bounds: how long it may become.
    ///   - limits: of one page.
    package init(_ method: MCPMethod, bounds: Bounds, limits: JSONLimits = .reply) {
        self.method = method
        self.bounds = bounds
        self.limits = limits
    }

    /// The bytes that are held.
    package var count: Int { others.count + entries.count }

    /// The longest cursor that is sent back.
    private static let longestCursor = 64 << 10

    /// Takes a page in.
    ///
    /// - Parameter response: the whole JSON-RPC response that has the page.
    /// - Returns: what follows it.
    /// - Throws: `Problem`, and then the list is of no use.
    package mutating func take(_ response: UnsafeBufferPointer<UInt8>) throws(Problem) -> Step {
        let page: Page
        do {
            page = try Page.read(response, method, limits)
        } catch {
            throw .unreadable(error)
        }
        if pages == 0 {
            others = page.others.flatMap { response[$0.range] + [UInt8(ascii: ",")] }
            ttl = page.ttl
            hasHints = page.hasHints
        } else {
            ttl = ttl.map { min($0, page.ttl ?? 0) }
        }
        pages += 1
        items += page.items
        guard items <= bounds.items else { throw .tooManyItems }
        append(response[page.entries.range])
        guard count <= bounds.bytes else { throw .tooLarge }
        guard let cursor = page.nextCursor else { return .end }
        guard cursors.insert(cursor).inserted else {
            // A server that writes an empty text where it means that there is no cursor gives the same page for it.
            if cursor.utf8.isEmpty { return .end }
            throw .cursorCycle
        }
        guard pages < bounds.pages else { throw .tooManyPages }
        guard cursor.utf8.count <= Self.longestCursor else { throw .tooLarge }
        return .next(cursor: cursor)
    }

    private mutating func append(_ page: Slice<UnsafeBufferPointer<UInt8>>) {
        guard !page.isEmpty else { return }
        if !entries.isEmpty { entries.append(UInt8(ascii: ",")) }
        entries.append(contentsOf: page)
    }

    /// The whole list as the answer to a request.
    ///
    /// It may be kept no longer than each of its pages, and by nobody for others: what a client sees of it depends on the
    /// client.
    ///
    /// - Parameter id: the literal of the request's id.
    /// - Returns: the whole JSON-RPC response.
    package func response(id: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(count + id.count + 128)
        output += Array(#"{"jsonrpc":"2.0","id":"#.utf8) + id + Array(#","result":{"#.utf8)
        output += others
        if hasHints { output += Array(#""ttlMs":\#(max(0, ttl ?? 0)),"cacheScope":"private","#.utf8) }
        JSONWriting.string(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), to: &output)
        output += Array(":[".utf8)
        output += entries
        output += Array("]}}".utf8)
        return output
    }

    private var name: StaticString { method.listMember?.member ?? "" }
}

extension MCPMethod {
    /// Whether the list that it asks for is put together where a server cuts it: all but tasks, which come and go.
    package var isWholeList: Bool { isList && self != .tasksList }
}

/// What is read of one page.
private struct Page {
    /// What stands between the brackets of the list.
    var entries = JSONSpan(0, 0)
    var items = 0
    var nextCursor: JSONText?
    var ttl: Int?
    var hasHints = false
    /// The other members of the result: name, colon and value.
    var others: [JSONSpan] = []

    static func read(
        _ response: UnsafeBufferPointer<UInt8>,
        _ method: MCPMethod,
        _ limits: JSONLimits
    ) throws(JSONError) -> Page {
        var page = Page()
        guard let list = method.listMember?.member else { return page }
        try JSONScanner.walk(response, limits: limits) { scanner throws(JSONError) in
            var frame = try scanner.beginObject()
            while let name = try scanner.nextName(&frame) {
                guard scanner.matches(name, "result"), try scanner.kind() == .object else {
                    try scanner.skipLeniently()
                    continue
                }
                scanner.isLenient = true
                try page.readResult(&scanner, list)
                scanner.isLenient = false
            }
        }
        return page
    }

    private mutating func readResult(_ scanner: inout JSONScanner, _ list: StaticString) throws(JSONError) {
        var isFound = false
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, list) {
                // Of two lists a client may show the one that was not judged.
                guard !isFound else { throw JSONError(.ambiguous(.duplicateName), at: name.span.lower) }
                isFound = true
                try readList(&scanner)
            } else if scanner.matches(name, "nextCursor"), try scanner.kind() == .string {
                nextCursor = JSONText(utf8: try scanner.string().text(in: scanner.bytes))
            } else if scanner.matches(name, "ttlMs"), try scanner.kind() == .number {
                hasHints = true
                ttl = try scanner.optionalInt() ?? 0
            } else if scanner.matches(name, "cacheScope") {
                hasHints = true
                try scanner.skipLeniently()
            } else {
                let value = try scanner.skipLeniently()
                if !scanner.matches(name, "nextCursor") { others.append(JSONSpan(name.literal.lower, value.upper)) }
            }
        }
    }

    private mutating func readList(_ scanner: inout JSONScanner) throws(JSONError) {
        guard try scanner.kind() == .array else {
            try scanner.skipLeniently()
            return
        }
        let lower = scanner.offset + 1
        var frame = try scanner.beginArray()
        while try scanner.nextElement(&frame) {
            try scanner.skipLeniently()
            items += 1
        }
        entries = items == 0 ? JSONSpan(lower, lower) : JSONSpan(lower, scanner.offset - 1)
    }
}
