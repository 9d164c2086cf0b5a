/// One block of an event stream, as offsets into the buffer that was split.
package struct ServerSentEvent: Hashable, Sendable {
    /// The whole block, its last line break included: what is passed on unchanged.
    ///
    /// Blocks lie edge to edge.
    package internal(set) var range: Range<Int>
    /// The number of `data` lines.
    package internal(set) var dataLines = 0
    /// The number of bytes of the data once its lines are joined.
    package internal(set) var dataCount = 0
    /// The value of the first `data` line; the whole data where there is one line only.
    package internal(set) var firstData: Range<Int>
    /// The value of the last `id` line; nil without one, and for one with a NUL, which readers ignore.
    package internal(set) var id: Range<Int>?
    /// The value of the last `event` line; nil means `message`.
    package internal(set) var type: Range<Int>?
    /// The value of the last `retry` line, if that is digits alone, as readers want it.
    package internal(set) var retry: Range<Int>?

    init(start: Int) {
        range = start..<start
        firstData = start..<start
    }

    /// Whether there is data: a comment has none, nor does an event of `id` alone or with an empty `data` line.
    package var hasData: Bool { dataCount > 0 }

    /// The data, where it is in one piece; nil for data of several lines, which `appendData` joins.
    package func data(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        dataLines <= 1 ? UnsafeRawBufferPointer(rebasing: bytes[firstData]) : nil
    }

    /// Joins the data with line feeds, as readers do.
    package func appendData(from bytes: UnsafeRawBufferPointer, to joined: inout [UInt8]) {
        guard dataLines > 0 else { return }
        joined.reserveCapacity(joined.count + dataCount)
        joined.append(contentsOf: bytes[firstData])
        var left = dataLines - 1
        var position = firstData.upperBound
        while left > 0, position < range.upperBound {
            // Behind a CR that an LF follows comes an empty line here, which is not a field.
            let start = position + 1
            position = ByteScan.firstLineBreak(in: bytes, from: start)
            let field = EventField(bytes, start..<position)
            guard field.name == .data else { continue }
            joined.append(0x0A)
            joined.append(contentsOf: bytes[field.value])
            left -= 1
        }
    }
}

/// One line of a block: its kind and its value, without the one space that may lead it.
struct EventField {
    enum Name {
        case data, event, id, retry, other
    }

    let name: Name
    let value: Range<Int>

    init(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) {
        let name = Self.name(bytes, line)
        let length =
            switch name {
            case .data: 4
            case .event: 5
            case .id: 2
            case .retry: 5
            case .other: 0
            }
        self.name = name
        var lower = min(line.lowerBound + length + 1, line.upperBound)
        if lower < line.upperBound, bytes[lower] == 0x20 { lower += 1 }
        value = lower..<line.upperBound
    }

    private static func name(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> Name {
        guard let first = bytes[line].first else { return .other }
        switch first {
        case UInt8(ascii: "d") where isField("data", bytes, line): return .data
        case UInt8(ascii: "e") where isField("event", bytes, line): return .event
        case UInt8(ascii: "i") where isField("id", bytes, line): return .id
        case UInt8(ascii: "r") where isField("retry", bytes, line): return .retry
        default: return .other
        }
    }

    /// Whether the line is the name alone, or the name and a colon.
    private static func isField(_ name: StaticString, _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> Bool {
        let length = name.utf8CodeUnitCount
        guard line.count >= length else { return false }
        for index in 0..<length where bytes[line.lowerBound + index] != name.utf8Start[index] { return false }
        return line.count == length || bytes[line.lowerBound + length] == UInt8(ascii: ":")
    }
}
