/// One field of a head: a name and a value, with no white space around them.
package struct HeadField: Hashable, Sendable {
    package let name: ByteSpan
    package let value: ByteSpan

    /// Whether it is this one, in any case.
    package func isNamed(_ field: ResponseField, in bytes: UnsafeRawBufferPointer) -> Bool {
        ByteScan.matches(field.name, in: bytes, name.range)
    }

    /// Whether it has this name, in any case; for names without a place of their own.
    package func isNamed(_ name: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
        ByteScan.matches(name, in: bytes, self.name.range)
    }

    /// Whether it is this one, in any case.
    package func isNamed(_ field: RequestField, in bytes: UnsafeRawBufferPointer) -> Bool {
        ByteScan.matches(field.name, in: bytes, name.range)
    }
}

/// Walks the fields of a head that was scanned as a whole.
package struct HeadFields: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var lines: FieldLines

    init(_ bytes: UnsafeRawBufferPointer, from start: Int, length: Int) {
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes[..<length])
        lines = FieldLines(limit: length, from: start)
    }

    package mutating func next() -> HeadField? {
        guard case .line(let line) = lines.next(in: bytes), !line.isEmpty else { return nil }
        return FieldLines.field(bytes, line)
    }
}
