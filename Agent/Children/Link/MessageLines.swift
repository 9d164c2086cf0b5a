package import NIOCore

/// Cuts what a child writes into lines, each of which is one message.
///
/// Pure. A line that is too long is one nobody reads: what is kept of it is bounded.
package struct MessageLines {
    /// A line is longer than it may be.
    package struct Overlong: Error, Equatable {}

    private let longest: Int
    /// The beginning of a line whose end has not come.
    private var rest = ByteBuffer()

    /// - Parameter longest: the most bytes of a line.
    package init(longest: Int) {
        self.longest = longest
    }

    /// Whether a line was begun and has not ended.
    package var isInside: Bool { rest.readableBytes > 0 }

    /// Takes some bytes, and returns the lines that are whole now, without their ends.
    package mutating func lines(_ bytes: ByteBuffer) throws(Overlong) -> [ByteBuffer] {
        var bytes = bytes
        var lines: [ByteBuffer] = []
        while let length = bytes.readableBytesView.firstIndex(of: UInt8(ascii: "\n")).map({ $0 - bytes.readerIndex }) {
            guard rest.readableBytes + length <= longest, var line = bytes.readSlice(length: length) else {
                throw Overlong()
            }
            bytes.moveReaderIndex(forwardBy: 1)
            if rest.readableBytes > 0 {
                rest.writeBuffer(&line)
                line = rest
                rest = ByteBuffer()
            }
            if line.readableBytesView.last == UInt8(ascii: "\r") { line.moveWriterIndex(to: line.writerIndex - 1) }
            lines.append(line)
        }
        guard rest.readableBytes + bytes.readableBytes <= longest else { throw Overlong() }
        rest.writeBuffer(&bytes)
        return lines
    }

    /// Whether a line can be a message: an object, or a list of messages as one revision had it.
    package static func canBeMessage(_ line: ByteBuffer) -> Bool {
        switch line.readableBytesView.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) {
        case UInt8(ascii: "{"), UInt8(ascii: "["): true
        default: false
        }
    }
}
