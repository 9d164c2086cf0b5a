package import StrictJSON

/// Hides the entries of a list that are not granted.
///
/// It cuts them out of the reply's own bytes: everything else passes as the server wrote it.
package enum ListFilter {
    /// What became of a reply.
    package enum Outcome: Hashable, Sendable {
        /// Everything is granted: forward the bytes as they are.
        case unchanged
        /// Forward these instead; so many entries are gone.
        case filtered(bytes: [UInt8], hidden: Int)
    }

    /// Judges the name of an entry and the entry.
    package typealias Judge = (_ name: UnsafeBufferPointer<UInt8>, _ entry: UnsafeBufferPointer<UInt8>) -> Bool

    /// Filters the reply to a list request by the names of its entries alone; see below.
    package static func filter(
        _ bytes: UnsafeBufferPointer<UInt8>,
        method: MCPMethod,
        limits: JSONLimits = .reply,
        isGranted: (UnsafeBufferPointer<UInt8>) -> Bool
    ) throws(JSONError) -> Outcome {
        try filter(bytes, method: method, limits: limits, isShown: { name, _ in isGranted(name) })
    }

    /// Filters the reply to a list request.
    ///
    /// An entry without a name that can be read in one way only is hidden, since no policy could have granted it.
    ///
    /// - Parameters:
    ///   - bytes: the whole JSON-RPC response.
    ///   - method: the method of the request; without a list in its results nothing changes.
    ///   - limits: the largest size and depth of the reply.
    ///   - isShown: judges an entry by its name, or its URI, or its URI template, and by the bytes of the whole entry.
    /// - Returns: what to forward.
    /// - Throws: `JSONError` for a reply that the strict reader refuses.
    package static func filter(
        _ bytes: UnsafeBufferPointer<UInt8>,
        method: MCPMethod,
        limits: JSONLimits = .reply,
        isShown: Judge
    ) throws(JSONError) -> Outcome {
        guard let list = method.listMember else { return .unchanged }
        var cut = Cut()
        try JSONScanner.scan(bytes, limits: limits) { scanner throws(JSONError) in
            guard try scanner.kind() == .object else { throw JSONError(.ambiguous(.notAnObject), at: scanner.offset) }
            var frame = try scanner.beginObject()
            while let name = try scanner.nextName(&frame) {
                try scanner.refuseVariants(name, of: "result")
                guard scanner.matches(name, "result"), try scanner.kind() == .object else {
                    try scanner.skipLeniently()
                    continue
                }
                scanner.isLenient = true
                try cut.readResult(&scanner, list.member, named: list.name, isShown: isShown)
                scanner.isLenient = false
            }
        }
        guard cut.hidden > 0 else { return .unchanged }
        return .filtered(bytes: cut.apply(to: bytes), hidden: cut.hidden)
    }
}

/// Which entries of the one list stay.
private struct Cut {
    private var list = JSONSpan(0, 0)
    private var kept: [JSONSpan] = []
    private(set) var hidden = 0

    mutating func readResult(
        _ scanner: inout JSONScanner,
        _ listMember: StaticString,
        named nameMember: StaticString,
        isShown: ListFilter.Judge
    ) throws(JSONError) {
        var isFound = false
        var result = try scanner.beginObject()
        while let member = try scanner.nextName(&result) {
            try scanner.refuseVariants(member, of: listMember)
            guard scanner.matches(member, listMember) else {
                try scanner.skipLeniently()
                continue
            }
            // Of two lists a client may show the one that was not judged.
            guard !isFound else { throw JSONError(.ambiguous(.duplicateName), at: member.span.lower) }
            isFound = true
            guard try scanner.kind() == .array else {
                try scanner.skipLeniently()
                continue
            }
            try readList(&scanner, named: nameMember, isShown: isShown)
        }
    }

    private mutating func readList(
        _ scanner: inout JSONScanner,
        named nameMember: StaticString,
        isShown: ListFilter.Judge
    ) throws(JSONError) {
        let bytes = scanner.bytes
        let lower = scanner.offset
        var frame = try scanner.beginArray()
        while try scanner.nextElement(&frame) {
            // Asking for the kind moves to the first byte of the element.
            let isObject = try scanner.kind() == .object
            let start = scanner.offset
            let name = isObject ? try Self.readEntry(&scanner, nameMember) : nil
            if !isObject { try scanner.skipLeniently() }
            let entry = UnsafeBufferPointer(rebasing: bytes[start..<scanner.offset])
            if let name, !name.hasControls(in: bytes), name.withText(in: bytes, { isShown($0, entry) }) {
                kept.append(JSONSpan(start, scanner.offset))
            } else {
                hidden += 1
            }
        }
        list = JSONSpan(lower, scanner.offset)
    }

    /// Reads one entry and returns its name, or nil if it has none that every client reads alike.
    private static func readEntry(
        _ scanner: inout JSONScanner,
        _ nameMember: StaticString
    ) throws(JSONError) -> JSONStringSpan? {
        var found: JSONStringSpan?
        var isAmbiguous = false
        var count = 0
        var frame = try scanner.beginObject()
        while let name = try scanner.nextName(&frame) {
            if scanner.matches(name, nameMember) {
                count += 1
                if try scanner.kind() == .string {
                    found = try scanner.string()
                    continue
                }
            } else if scanner.isVariant(name, of: nameMember) {
                isAmbiguous = true
            }
            try scanner.skipLeniently()
        }
        return isAmbiguous || count != 1 ? nil : found
    }

    /// The reply with a list of the kept entries alone.
    func apply(to bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        output.append(contentsOf: bytes[..<list.lower])
        output.append(UInt8(ascii: "["))
        for (index, entry) in kept.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            output.append(contentsOf: bytes[entry.range])
        }
        output.append(UInt8(ascii: "]"))
        output.append(contentsOf: bytes[list.upper...])
        return output
    }
}
