package import NIOCore
internal import Wire

/// Takes the events out of an event stream as its bytes come, for those who act on what is in it; pure.
package struct EventReader {
    /// One event; a comment, and a block without any field that counts, is none.
    package struct Event: Equatable, Sendable {
        /// The value of its last `event` line; nil means `message`.
        package var type: [UInt8]?
        /// The value of its last `id` line, by which a stream is taken up again.
        package var id: [UInt8]?
        /// How many milliseconds to wait before the stream is asked for again.
        package var retry: Int?
        /// The data, whose lines are joined by line feeds; empty without any.
        package var data: [UInt8]
    }

    /// A block of the stream is longer than the bound.
    package struct TooLarge: Error {}

    private var buffer = ByteBuffer()
    private var splitter: EventStreamSplitter

    /// - Parameter longest: the longest block, in bytes.
    package init(longest: Int) {
        splitter = EventStreamSplitter(maxEventBytes: longest)
    }

    /// How many bytes wait for the rest of their event.
    package var count: Int { buffer.readableBytes }

    /// Takes what has come.
    package mutating func append(_ bytes: ByteBuffer) {
        buffer.moveReaderIndex(forwardBy: splitter.discard())
        buffer.append(received: bytes)
    }

    /// The next whole event; nil until more has come.
    package mutating func next() throws(TooLarge) -> Event? {
        while true {
            switch buffer.withUnsafeReadableBytes({ splitter.next(in: $0) }) {
            case .incomplete: return nil
            case .tooLarge: throw TooLarge()
            case .event(let found):
                if let event = buffer.withUnsafeReadableBytes({ Self.event(found, in: $0) }) { return event }
            }
        }
    }

    private static func event(_ found: ServerSentEvent, in bytes: UnsafeRawBufferPointer) -> Event? {
        func value(_ range: Range<Int>?) -> [UInt8]? { range.map { Array(bytes[$0]) } }
        var event = Event(type: value(found.type), id: value(found.id), data: [])
        event.retry = found.retry.flatMap { Int(String(decoding: bytes[$0], as: UTF8.self)) }
        found.appendData(from: bytes, to: &event.data)
        return event.type == nil && event.id == nil && event.retry == nil && event.data.isEmpty ? nil : event
    }
}
