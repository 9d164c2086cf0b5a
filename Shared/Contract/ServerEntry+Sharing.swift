internal import MCP
package import StrictJSON

// Who shares a session with a server, which era it speaks, and how often it is asked whether it is there.
extension ServerEntry {
    /// How often a server is asked whose entry does not say it, in seconds.
    package static let standardHealthInterval = 60

    /// The members of the document; only what is not the standard, as earlier agents do not know them.
    var sharing: JSONObject {
        var members = JSONObject()
        if isolation != .perClient { members["isolation"] = .text(isolation.rawValue) }
        if healthIntervalSeconds != Self.standardHealthInterval {
            members["health_interval_s"] = .int(healthIntervalSeconds)
        }
        if era != .auto { members["era"] = .text(era.rawValue) }
        return members
    }
}

extension ObjectReader {
    /// `isolation`.
    mutating func isolation() throws -> Isolation {
        optional("isolation") == nil ? .perClient : try word("isolation", Isolation.self)
    }

    /// `era`.
    mutating func era() throws -> EraPin {
        optional("era") == nil ? .auto : try word("era", EraPin.self)
    }

    /// `health_interval_s`: 5 s to an hour, or 0 for never.
    mutating func healthInterval() throws -> Int {
        guard let seconds = try optionalInt("health_interval_s", in: 0...3600) else {
            return ServerEntry.standardHealthInterval
        }
        guard seconds == 0 || seconds >= 5 else {
            throw ShapeError(path("health_interval_s"), "must be 5 to 3600, or 0 for never")
        }
        return seconds
    }
}

extension RegistryEntry {
    /// The same entry with other settings of ours.
    ///
    /// - Parameter settings: members that take the place of those of the same name.
    /// - Returns: the entry, read anew.
    /// - Throws: `ShapeError` where one is wrong.
    package func setting(_ settings: JSONObject) throws -> RegistryEntry {
        guard !settings.isEmpty, case .object(var document) = json, case .object(var meta)? = document["_meta"],
            case .object(var ours)? = meta[Self.settingsName]
        else { return self }
        for member in settings.members { ours[member.name] = member.value }
        meta[Self.settingsName] = .object(ours)
        document["_meta"] = .object(meta)
        return try RegistryEntry(.object(document))
    }
}
