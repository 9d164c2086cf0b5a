internal import Bytes
package import StrictJSON

/// `GET /v1/agent/bundle?after=N`: what is newer than N, and what the agent has with it.
///
/// Every part is signed but the proofs, which prove themselves; the parts that are not there are those that the agent has.
package struct SyncAnswer: Sendable, Equatable {
    /// The signed `StateDocument`.
    package let state: String
    /// The signed `PolicyBundle`, if it is newer.
    package let bundle: String?
    /// The signed `BindingDocument`.
    package let binding: String?
    /// The signed `EntriesDocument`, if it is newer.
    package let entries: String?
    /// The signed `PinsDocument`, if it is newer.
    package let pins: String?
    /// The newest signed checkpoint of the organisation's log.
    package let orgCheckpoint: String
    /// The proof that this log extends the one whose size was asked about with `org=SIZE`.
    package let consistency: [[UInt8]]?
    /// The leaf `log.restart` of this log's epoch, for an agent that asks from an earlier one.
    package let restart: ProvenLeaf?

    package init(
        state: String,
        bundle: String?,
        binding: String?,
        entries: String?,
        pins: String? = nil,
        orgCheckpoint: String,
        consistency: [[UInt8]]?,
        restart: ProvenLeaf? = nil
    ) {
        self.state = state
        self.bundle = bundle
        self.binding = binding
        self.entries = entries
        self.pins = pins
        self.orgCheckpoint = orgCheckpoint
        self.consistency = consistency
        self.restart = restart
    }

    package var json: JSONValue {
        var object: JSONObject = ["state": .text(state)]
        if let bundle { object["bundle"] = .text(bundle) }
        if let binding { object["binding"] = .text(binding) }
        if let entries { object["entries"] = .text(entries) }
        if let pins { object["pins"] = .text(pins) }
        object["org_checkpoint"] = .text(orgCheckpoint)
        if let consistency { object["consistency"] = .array(consistency.map { .text(Base64.url($0)) }) }
        if let restart { object["restart"] = restart.json }
        return .object(object)
    }

    /// Reads an answer; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            let state = try reader.text("state")
            let bundle = try reader.optionalText("bundle")
            let binding = try reader.optionalText("binding")
            let entries = try reader.optionalText("entries")
            let pins = try reader.optionalText("pins")
            let checkpoint = try reader.text("org_checkpoint")
            let hasProof = reader.optional("consistency") != nil
            return SyncAnswer(
                state: state,
                bundle: bundle,
                binding: binding,
                entries: entries,
                pins: pins,
                orgCheckpoint: checkpoint,
                consistency: hasProof ? try reader.hashes("consistency") : nil,
                restart: try reader.optional("restart").map { try ProvenLeaf($0, at: reader.path("restart")) }
            )
        }
    }
}
