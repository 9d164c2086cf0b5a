public import FuzzerDriver
import Wire

@_cdecl("EventStreamFuzzer_main")
public func fuzzerMain(_ count: CInt, _ arguments: FuzzerArguments?) -> CInt {
    fuzz(count, arguments) { fuzzEventStream($0, $1) }
}

/// What was read of one event.
private struct Block: Equatable {
    let bytes: [UInt8]
    let data: [UInt8]
    let id: [UInt8]?
    let type: [UInt8]?
}

/// Cuts any bytes as an event stream, in one piece and in pieces as the first byte says.
///
/// Nothing may crash; however the bytes come, the same events must be read; together they are the stream from its
/// beginning.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEventStream(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let stream = Array(bytes.dropFirst())
    let whole = read(stream, by: stream.count)
    let pieces = read(stream, by: Int(bytes[0] % 7) + 1)
    // A lone CR at the end may be half of a line break: what comes later can only add events.
    precondition(pieces == whole, "other events in other pieces")
    return 0
}

private func read(_ stream: [UInt8], by length: Int) -> [Block] {
    var splitter = EventStreamSplitter(maxEventBytes: 256)
    var buffer: [UInt8] = []
    var blocks: [Block] = []
    var position = 0
    while position < stream.count {
        let end = min(position + length, stream.count)
        buffer += stream[position..<end]
        position = end
        while true {
            let step = buffer.withUnsafeBytes { splitter.next(in: $0) }
            guard case .event(let event) = step else {
                if step == .tooLarge { return blocks }
                break
            }
            precondition(event.range.count <= 256, "an event over the bound")
            blocks.append(block(event, in: buffer))
        }
        let dropped = splitter.discard()
        precondition(dropped <= buffer.count, "more is dropped than there is")
        buffer.removeFirst(dropped)
    }
    return blocks
}

private func block(_ event: ServerSentEvent, in buffer: [UInt8]) -> Block {
    buffer.withUnsafeBytes { bytes in
        var joined: [UInt8] = []
        event.appendData(from: bytes, to: &joined)
        if let data = event.data(in: bytes) { precondition(joined.elementsEqual(data), "two readings of one datum") }
        precondition(joined.count == event.dataCount, "data of another length than was said")
        return Block(
            bytes: Array(bytes[event.range]),
            data: joined,
            id: event.id.map { Array(bytes[$0]) },
            type: event.type.map { Array(bytes[$0]) }
        )
    }
}
