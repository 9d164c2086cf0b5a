package import MCP
internal import StrictJSON

/// What clients and servers can do, as it is told across the eras: what the bridge cannot carry is not promised.
package enum Capabilities {
    private static let ofServers: [JSONText] = [
        "tools", "prompts", "resources", "completions", "logging", "experimental",
    ]

    /// What a server of either era can do, for a client of the other.
    ///
    /// Tasks are made in another way in each era, and extensions are agreed on between two ends.
    package static func ofServer(_ capabilities: RawObject) -> RawObject {
        var told = RawObject()
        for name in ofServers { told[name] = capabilities[name] }
        return told
    }

    /// What a client of the handshake era can do, for a modern server.
    ///
    /// - Parameters:
    ///   - capabilities: as its `initialize` has them.
    ///   - revision: the revision that was agreed on with it, which bounds what it may be asked.
    /// - Returns: its capabilities, as a modern server knows them.
    package static func ofHandshakeClient(_ capabilities: RawObject, revision: String) -> RawObject {
        var told = RawObject()
        if let sampling = capabilities.object("sampling") {
            told.set("sampling", sampling.flags(["tools", "context"]))
        }
        if capabilities.object("roots") != nil { told.set("roots", RawObject()) }
        if let elicitation = capabilities.object("elicitation"), revision >= elicitationSince {
            // An address to open is asked for since 2025-11-25; before, an empty object is all that there is.
            var kinds = elicitation.flags(["form", "url"])
            if revision < urlSince { kinds["url"] = nil }
            told.set("elicitation", kinds)
        }
        return told
    }

    /// What a modern client can do, for a server of the handshake era.
    ///
    /// There are so many of these as the protocol has words, whatever else clients write: each has a session of its own.
    package static func ofModernClient(_ capabilities: RawObject) -> RawObject {
        var told = RawObject()
        if let sampling = capabilities.object("sampling") {
            told.set("sampling", sampling.flags(["tools", "context"]))
        }
        if capabilities.object("roots") != nil { told.set("roots", RawObject()) }
        if let elicitation = capabilities.object("elicitation") {
            var kinds = elicitation.flags(["form", "url"])
            if kinds.isEmpty { kinds.set("form", RawObject()) }
            told.set("elicitation", kinds)
        }
        return told
    }

    /// What clients of the handshake era can be asked at most.
    package static var all: RawObject {
        var all = RawObject()
        all.set("sampling", RawObject())
        all.set("roots", RawObject())
        all.set("elicitation", ["form": [:], "url": [:]])
        return all
    }

    private static let elicitationSince = "2025-06-18"
    private static let urlSince = "2025-11-25"

    /// Whether a client that can do this may be asked that way (2026-07-28, "Multi Round-Trip Requests").
    package static func allow(_ request: MCPMethod, params: RawObject, _ capabilities: RawObject) -> Bool {
        switch request {
        case .samplingCreateMessage: return capabilities.object("sampling") != nil
        case .rootsList: return capabilities.object("roots") != nil
        case .elicitationCreate:
            guard let elicitation = capabilities.object("elicitation") else { return false }
            if params.text("mode") == "url" { return elicitation.object("url") != nil }
            return elicitation.object("form") != nil || elicitation.object("url") == nil
        default: return false
        }
    }
}

extension RawObject {
    /// Of its members these alone.
    func keeping(_ names: [JSONText]) -> RawObject {
        var kept = RawObject()
        for name in names { kept[name] = self[name] }
        return kept
    }

    /// Those of these members that are objects, without what is in them.
    fileprivate func flags(_ names: [JSONText]) -> RawObject {
        var flags = RawObject()
        for name in names where object(name) != nil { flags.set(name, RawObject()) }
        return flags
    }
}
