package import StrictJSON

/// `GET /v1/agent/bundle?after=N`: everything signed that is newer than N.
package struct SyncAnswer: Sendable, Equatable {
    /// What to ask for next time.
    package let counter: Int
    /// The signed `PolicyBundle`, if it is newer.
    package let bundle: String?
    /// The signed `BindingDocument`, if it is newer.
    package let binding: String?
    /// The signed `EntriesDocument`, if it is newer.
    package let entries: String?
    /// The newest signed checkpoint of the organisation log.
    package let orgCheckpoint: String
    /// The proof that this log extends the one whose size was asked about with `org=SIZE`.
    package let consistency: [[UInt8]]?

    /// An answer of these parts.
    package init(
        counter: Int,
        bundle: String?,
        binding: String?,
        entries: String?,
        orgCheckpoint: String,
        consistency: [[UInt8]]?
    ) {
        self.counter = counter
        self.bundle = bundle
        self.binding = binding
        self.entries = entries
        self.orgCheckpoint = orgCheckpoint
        self.consistency = consistency
    }

    /// The document.
    package var json: JSONValue {
        var object: JSONObject = ["counter": .int(counter)]
        if let bundle { object["bundle"] = .text(bundle) }
        if let binding { object["binding"] = .text(binding) }
        if let entries { object["entries"] = .text(entries) }
        object["org_checkpoint"] = .text(orgCheckpoint)
        if let consistency { object["consistency"] = .array(consistency.map { .text(Base64.url($0)) }) }
        return .object(object)
    }

    /// Reads an answer; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            let counter = try reader.int("counter")
            let bundle = try reader.optionalText("bundle")
            let binding = try reader.optionalText("binding")
            let entries = try reader.optionalText("entries")
            let checkpoint = try reader.text("org_checkpoint")
            let hasProof = reader.optional("consistency") != nil
            return SyncAnswer(
                counter: counter,
                bundle: bundle,
                binding: binding,
                entries: entries,
                orgCheckpoint: checkpoint,
                consistency: hasProof ? try reader.hashes("consistency") : nil
            )
        }
    }
}
