package import StrictJSON
package import TransparencyLog

extension OrgLeaf {
    /// The log goes on under a new name, since it was set back or an administrator thinks that it was.
    ///
    /// What it holds up to this leaf stays its beginning, so that all of it is proven as before. What was signed of it
    /// beyond that is lost, and `known` says how much of that is known.
    package struct LogRestart: Sendable, Equatable {
        /// The number of the epoch that begins: higher than that of every earlier one.
        package var epoch: Int
        /// The state that the log goes on from; its size is the place of this leaf.
        package var base: Checkpoint
        /// The newest signed state that the administrator knows; `base` if the administrator knows no other.
        package var known: Checkpoint
        /// Who did it, one word.
        package var who: JSONText
        /// Why, as text of up to 256 bytes.
        package var why: JSONText

        package init(epoch: Int, base: Checkpoint, known: Checkpoint, who: JSONText, why: JSONText) {
            self.epoch = epoch
            self.base = base
            self.known = known
            self.who = who
            self.why = why
        }
    }
}

extension OrgLeaf.LogRestart {
    var members: JSONObject {
        known.members(
            after: "known_",
            beside: base.members(
                beside: ["epoch": .int(epoch), "who": .string(who), "why": .string(why)]
            )
        )
    }

    init(_ reader: inout ObjectReader) throws {
        epoch = try reader.int("epoch", in: 1...Int(Checkpoint.maxSize))
        base = try Checkpoint(&reader)
        known = try Checkpoint(&reader, after: "known_")
        who = try reader.text("who", .word)
        why = try reader.text("why", .name)
    }
}

extension Checkpoint {
    /// The state as members of a leaf, whose names begin with `start`, with others beside them.
    func members(after start: String = "", beside others: JSONObject = JSONObject()) -> JSONObject {
        var object = others
        object[JSONText("\(start)origin")] = .text(origin)
        object[JSONText("\(start)size")] = .int(Int(clamping: size))
        object[JSONText("\(start)root")] = .text(root.base64URL)
        return object
    }

    /// Reads such members.
    init(_ reader: inout ObjectReader, after start: String = "") throws {
        let name = JSONText("\(start)origin")
        let origin = try reader.text(name)
        guard Checkpoint.isOrigin(origin) else { throw ShapeError(reader.path(name), "must be an origin") }
        self.init(
            origin: origin,
            size: UInt64(try reader.int(JSONText("\(start)size"), in: 0...Int(Checkpoint.maxSize))),
            root: try reader.hash(JSONText("\(start)root"))
        )
    }
}
