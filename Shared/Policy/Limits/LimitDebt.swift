package import StrictJSON

/// What a subject owes to a limit when an agent stops.
package struct LimitDebt: Hashable, Sendable {
    /// The rule by its content.
    package let rule: JSONText
    /// The client, if the limit is for each client.
    package let client: JSONText?
    package let nanoseconds: Int64
}

extension LimitDebt {
    /// The debt as it is kept in a file.
    package var json: JSONValue {
        var object: JSONObject = ["rule": .string(rule), "ns": .int(Int(nanoseconds))]
        object["client"] = client.map(JSONValue.string)
        return .object(object)
    }

    /// Reads a debt; throws `ShapeError`.
    package init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in
            LimitDebt(
                rule: try reader.identifier("rule"),
                client: try reader.optionalIdentifier("client"),
                nanoseconds: Int64(try reader.int("ns"))
            )
        }
    }
}
