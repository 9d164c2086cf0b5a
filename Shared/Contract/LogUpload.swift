package import StrictJSON

/// `POST /v1/agent-log`: a stretch of an agent's log, in the form of C2SP tlog-witness with the records behind it.
///
/// `old N`, an empty line, the signed note, an empty line, then each record on a line of its own.
package struct LogUpload: Sendable, Equatable {
    /// How many records the coordinator is thought to have.
    package let old: Int
    /// The agent's signed checkpoint of all of its records.
    package let note: [UInt8]
    /// The records from `old` on, the exact bytes that are hashed.
    package let records: [ArraySlice<UInt8>]

    /// The media type of an upload.
    package static let mediaType = "text/plain; charset=utf-8"
    /// The largest upload in bytes.
    ///
    /// An agent sends 2048 records at a time, of some hundred bytes each, and fewer of longer ones.
    package static let largest = 8 << 20
    /// The most records in an upload: as many as fit in if each has 128 bytes, and none is as short as that.
    package static let most = largest / 128

    /// An upload of these parts.
    package init(old: Int, note: [UInt8], records: [ArraySlice<UInt8>]) {
        self.old = old
        self.note = note
        self.records = records
    }

    /// The body.
    package var bytes: [UInt8] {
        var bytes = Array("old \(old)\n\n".utf8)
        bytes.reserveCapacity(bytes.count + note.count + 1 + records.reduce(0) { $0 + $1.count + 1 })
        bytes += note
        bytes.append(Self.lineFeed)
        for record in records {
            bytes += record
            bytes.append(Self.lineFeed)
        }
        return bytes
    }

    /// The body of an upload whose records are in one piece already, each with its line feed.
    ///
    /// What goes before them is put before them where they are, if there is room: they may be megabytes.
    package static func body(old: Int, note: [UInt8], lines: consuming [UInt8]) -> [UInt8] {
        var bytes = lines
        bytes.insert(contentsOf: Array("old \(old)\n\n".utf8) + note + [lineFeed], at: 0)
        return bytes
    }

    /// Reads a body without judging anything of it; nil if it has another form.
    package init?(_ bytes: [UInt8]) {
        self.init(bytes) { _, _ in }
    }

    /// Reads a body; nil if it has another form.
    ///
    /// The records are not judged, and they are cut apart only once the note is: their number is whatever the sender likes.
    ///
    /// - Parameters:
    ///   - bytes: The body.
    ///   - judge: Throws unless `old` and the note are good.
    package init?(_ bytes: [UInt8], judge: (Int, [UInt8]) throws -> Void) rethrows {
        guard bytes.count <= Self.largest, bytes.starts(with: "old ".utf8),
            let headEnd = Self.emptyLine(in: bytes, from: 0)
        else { return nil }
        let digits = bytes[4..<(headEnd - 2)]
        // 15 digits stay below 2^53, as every number of the format does.
        guard (1...15).contains(digits.count), let old = Int(String(decoding: digits, as: UTF8.self)), old >= 0,
            Array(String(old).utf8) == Array(digits)
        else { return nil }
        // The note itself has one empty line, between its text and its signatures.
        guard let textEnd = Self.emptyLine(in: bytes, from: headEnd),
            let noteEnd = Self.emptyLine(in: bytes, from: textEnd)
        else { return nil }
        let note = Array(bytes[headEnd..<(noteEnd - 1)])
        try judge(old, note)
        guard let records = Self.records(bytes[noteEnd...]) else { return nil }
        self.old = old
        self.note = note
        self.records = records
    }

    /// The lines, each with its line feed and none of them empty; nil if there are too many.
    private static func records(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        guard !bytes.isEmpty else { return [] }
        guard bytes.last == lineFeed else { return nil }
        let lines = bytes.dropLast().split(separator: lineFeed, maxSplits: most, omittingEmptySubsequences: false)
        guard lines.count <= most, lines.allSatisfy({ !$0.isEmpty }) else { return nil }
        return lines
    }

    private static let lineFeed = UInt8(ascii: "\n")

    /// The offset behind the next two line feeds in a row.
    private static func emptyLine(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while let found = bytes[index...].firstIndex(of: lineFeed) {
            guard found + 1 < bytes.count else { return nil }
            if bytes[found + 1] == lineFeed { return found + 2 }
            index = found + 1
        }
        return nil
    }
}

/// The answer to an upload: from here on the records are the coordinator's to keep.
package struct LogReceipt: Sendable, Equatable {
    /// How many records of this agent the coordinator has.
    package let size: Int
    /// The signature line that the coordinator adds to the agent's note.
    package let cosignature: String
    /// The signed checkpoint of the organisation log that the leaf is proven against.
    package let orgCheckpoint: String
    /// The leaf `agent.checkpoint`.
    package let leaf: ProvenLeaf

    /// A receipt of these parts.
    package init(size: Int, cosignature: String, orgCheckpoint: String, leaf: ProvenLeaf) {
        self.size = size
        self.cosignature = cosignature
        self.orgCheckpoint = orgCheckpoint
        self.leaf = leaf
    }

    /// The document.
    package var json: JSONValue {
        var object: JSONObject = [
            "size": .int(size), "cosignature": .text(cosignature), "org_checkpoint": .text(orgCheckpoint),
        ]
        for member in leaf.json.object?.members ?? [] { object[member.name] = member.value }
        return .object(object)
    }

    /// Reads a receipt; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            LogReceipt(
                size: try reader.int("size"),
                cosignature: try reader.text("cosignature"),
                orgCheckpoint: try reader.text("org_checkpoint"),
                leaf: try ProvenLeaf(members: &reader)
            )
        }
    }
}

/// `GET /v1/agent-log`: what the coordinator has of the asking agent's log.
package struct LogState: Sendable, Equatable {
    package let size: Int
    /// The agent's newest note with the coordinator's signature; absent before the first upload.
    package let checkpoint: String?
    /// The peaks of the tree of `size` records, largest first: with them a machine whose own copy is older can go on,
    /// once it has seen that they lead to the root which it signed itself.
    package let peaks: [[UInt8]]

    /// A state of these parts.
    package init(size: Int, checkpoint: String?, peaks: [[UInt8]]) {
        self.size = size
        self.checkpoint = checkpoint
        self.peaks = peaks
    }

    /// The document.
    package var json: JSONValue {
        var object: JSONObject = ["size": .int(size)]
        if let checkpoint { object["checkpoint"] = .text(checkpoint) }
        object["peaks"] = .array(peaks.map { .text(Base64.url($0)) })
        return .object(object)
    }

    /// Reads a state; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            LogState(
                size: try reader.int("size"),
                checkpoint: try reader.optionalText("checkpoint"),
                peaks: try reader.hashes("peaks")
            )
        }
    }
}
