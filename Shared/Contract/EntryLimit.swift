internal import StrictJSON

/// A limit in a registry entry: as in the policy, without `server`.
enum EntryLimit {
    private enum Subject: String, CaseIterable {
        case user, client
    }

    /// Throws `ShapeError` where the limit is none.
    static func check(_ json: JSONValue, at place: String) throws {
        try ObjectReader.read(json, at: place) { reader in
            _ = try reader.word("per", Subject.self)
            if let tools = try reader.optionalIdentifiers("tools"), tools.isEmpty {
                throw ShapeError(reader.path("tools"), "must not be empty")
            }
            let rate = try reader.optionalText("rate")
            if let rate, !isRate(rate) {
                throw ShapeError(reader.path("rate"), "must be like 60/min: N/s, N/min or N/h")
            }
            let burst = try reader.optionalInt("burst", in: 1...1_000_000)
            if burst != nil, rate == nil { throw ShapeError(reader.path("burst"), "needs a rate") }
            let concurrent = try reader.optionalInt("concurrent", in: 1...1_000_000)
            guard rate != nil || concurrent != nil else { throw ShapeError(place, "must have rate or concurrent") }
        }
    }

    private static func isRate(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), String(count) == parts[0] else { return false }
        return (1...1_000_000).contains(count) && ["s", "min", "h"].contains(parts[1])
    }
}
