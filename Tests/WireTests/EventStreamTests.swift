import Testing
import Wire

/// The algorithm of WHATWG HTML section 9.2.6, word for word over a whole stream: what a reader gets to see.
struct ReferenceEvents {
    struct Event: Equatable {
        var data: [UInt8]
        var type: [UInt8]?
        var id: [UInt8]?
    }

    /// Every block that has a `data` field, with the `id` of that block alone.
    static func events(_ stream: [UInt8]) -> [Event] {
        var rest = stream[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        var events: [Event] = []
        var data: [UInt8]?
        var type: [UInt8]?
        var id: [UInt8]?
        while let end = rest.firstIndex(where: { $0 == 10 || $0 == 13 }) {
            let line = Array(rest[rest.startIndex..<end])
            let isPair = rest[end] == 13 && end + 1 < rest.endIndex && rest[end + 1] == 10
            rest = rest[(end + (isPair ? 2 : 1))...]
            if line.isEmpty {
                if let data { events.append(Event(data: data, type: type, id: id)) }
                (data, type, id) = (nil, nil, nil)
                continue
            }
            let colon = line.firstIndex(of: 0x3A)
            let name = String(decoding: line[..<(colon ?? line.count)], as: UTF8.self)
            var value = colon.map { Array(line[($0 + 1)...]) } ?? []
            if value.first == 0x20 { value.removeFirst() }
            switch name {
            case "data": data = data.map { $0 + [10] + value } ?? value
            case "event": type = value
            case "id": if !value.contains(0) { id = value }
            default: break
            }
        }
        return events
    }
}

@Suite("Event streams")
struct EventStreamTests {
    private struct Split {
        var events: [ReferenceEvents.Event] = []
        var blocks: [[UInt8]] = []
        var isTooLarge = false
        var passedOn: [UInt8] { blocks.flatMap { $0 } }
    }

    /// Splits a stream that comes in pieces, dropping from the buffer what was handed out.
    private func split(_ stream: [UInt8], ends: [Int]? = nil, limit: Int = 8 * 1024 * 1024) -> Split {
        var splitter = EventStreamSplitter(maxEventBytes: limit)
        var split = Split()
        var buffer: [UInt8] = []
        var start = 0
        for end in ends ?? [stream.count] {
            buffer += stream[start..<end]
            start = end
            buffer.withUnsafeBytes { raw in
                while true {
                    switch splitter.next(in: raw) {
                    case .incomplete: return
                    case .tooLarge:
                        split.isTooLarge = true
                        return
                    case .event(let event):
                        split.blocks.append(Array(raw[event.range]))
                        guard event.dataLines > 0 else { continue }
                        var data: [UInt8] = []
                        event.appendData(from: raw, to: &data)
                        #expect(data.count == event.dataCount)
                        if let whole = event.data(in: raw) { #expect(Array(whole) == data) }
                        #expect((event.data(in: raw) == nil) == (event.dataLines > 1))
                        let found = ReferenceEvents.Event(
                            data: data,
                            type: event.type.map { Array(raw[$0]) },
                            id: event.id.map { Array(raw[$0]) }
                        )
                        split.events.append(found)
                    }
                }
            }
            if split.isTooLarge { break }
            buffer.removeFirst(splitter.discard())
            #expect(splitter.consumed == 0)
        }
        return split
    }

    private static let streams = [
        "event: message\ndata: {\"a\":1}\n\n",
        "id: 1\r\ndata:\r\n\r\nevent: message\r\nid: 2\r\ndata: {}\r\n\r\n",
        "data: a\rdata: b\r\rdata: c\r\r",
        ": ping\n\n: ping\r\n\r\ndata: x\n\n",
        "data: one\ndata: two\ndata:\ndata:  three\n\n",
        "\u{FEFF}data: a\n\ndata: b\n\n",
        "\u{FEFF}\u{FEFF}data: a\n\n",
        "data\n\ndata\ndata\n\n",
        "retry: 10\nid\nevent:x\ndatum: y\ndata :z\n\n",
        "data: a\r\r\ndata: b\r\n\r\n",
        "data: a\r\rdata: b\n\r\n\r\r\n",
        "id: a\0b\ndata: x\n\n",
        "data: x\n: comment within\ndata: y\n\n",
        "\n\n\r\n\r\rdata: x\n\n",
        "data: \u{1F600} \u{2028} end\n\n",
        "data: not whole\n",
        "data: not whole",
    ]

    @Test("Readers of the stream and the splitter see the same events, however they arrive", arguments: streams)
    func pieces(_ text: String) {
        let stream = Array(text.utf8)
        let whole = split(stream)
        #expect(whole.events == ReferenceEvents.events(stream))
        for ends in Pieces.everyCut(of: stream.count) {
            let cut = split(stream, ends: ends)
            #expect(cut.events == whole.events)
            #expect(cut.blocks == whole.blocks)
        }
        #expect(stream.starts(with: whole.passedOn))
    }

    @Test("A whole event is handed out with its last byte, and not later")
    func atOnce() {
        for (text, count) in [
            ("data: a\n\n", 1), ("data: a\r\n\r\n", 1), ("data: a\r\r", 1), ("data: a\r\n\r", 0), (": ping\n", 1),
            (": ping\r\n", 1), ("data: a\n", 0), ("data: a\ndata: b\r\n\r\n", 1),
        ] {
            #expect(split(Array(text.utf8)).blocks.count == count, "\(text.debugDescription)")
        }
    }

    @Test("Comments, bare ids and empty data are no data")
    func noData() {
        let bytes = Array(": c\n\nid: 1\n\nid: 2\ndata:\n\ndata: x\n\n".utf8)
        var splitter = EventStreamSplitter()
        var found: [Bool] = []
        bytes.withUnsafeBytes { raw in
            while case .event(let event) = splitter.next(in: raw) { found.append(event.hasData) }
        }
        #expect(found == [false, false, false, false, true])
    }

    @Test("An event over the bound is refused, whole or not yet whole")
    func bound() {
        let event = Array("data: 0123456789\n\n".utf8)
        for ends in Pieces.everyCut(of: event.count) {
            #expect(!split(event, ends: ends, limit: event.count).isTooLarge)
            #expect(split(event, ends: ends, limit: event.count - 1).isTooLarge)
        }
        let endless = [UInt8](repeating: UInt8(ascii: "a"), count: 100)
        #expect(split(endless, limit: 99).isTooLarge)
        #expect(split(Array((0..<50).map { _ in event }.joined()), limit: event.count).blocks.count == 50)
    }

    @Test("Random streams: the same events as the algorithm of the standard gives, and every byte passed on in order")
    func differential() {
        var random = SeededRandom(3)
        let words = [
            "data", ":", " ", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "id", "event", "x", "data: y", ": c", "\u{FEFF}",
            "\0",
        ]
        for _ in 0..<6000 {
            let text = (0..<Int.random(in: 0..<30, using: &random))
                .map { _ in words.randomElement(using: &random) ?? "" }
                .joined()
            let stream = Array(text.utf8)
            let whole = split(stream)
            let cut = split(stream, ends: Pieces.random(of: stream.count, using: &random))
            #expect(cut.blocks == whole.blocks)
            #expect(cut.events == whole.events)
            #expect(stream.starts(with: whole.passedOn))
            // A CR at the very end may be half of a CRLF: the splitter waits where the whole stream is known to end.
            let expected = ReferenceEvents.events(stream)
            #expect(expected.starts(with: whole.events, by: ==), "\(text.debugDescription)")
            #expect(expected.count - whole.events.count <= (stream.last == 13 ? 1 : 0), "\(text.debugDescription)")
        }
    }
}
