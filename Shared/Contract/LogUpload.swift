internal import Bytes
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

    /// Reads a body without judging anything of it; nil if it has another form.
    package init?(_ bytes: [UInt8]) {
        guard let received = ReceivedUpload(bytes, judge: { _, _ in }) else { return nil }
        old = received.old
        note = received.note
        records = bytes[received.records].split(separator: Self.lineFeed)
    }

    private static let lineFeed = UInt8(ascii: "\n")

    /// The body of an upload whose records are in one piece already, each with its line feed.
    ///
    /// What goes before them is put before them where they are, if there is room: they may be megabytes.
    package static func body(old: Int, note: [UInt8], lines: consuming [UInt8]) -> [UInt8] {
        var bytes = lines
        bytes.insert(contentsOf: Array("old \(old)\n\n".utf8) + note + [lineFeed], at: 0)
        return bytes
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

    package init(size: Int, cosignature: String, orgCheckpoint: String, leaf: ProvenLeaf) {
        self.size = size
        self.cosignature = cosignature
        self.orgCheckpoint = orgCheckpoint
        self.leaf = leaf
    }

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

    package init(size: Int, checkpoint: String?, peaks: [[UInt8]]) {
        self.size = size
        self.checkpoint = checkpoint
        self.peaks = peaks
    }

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
