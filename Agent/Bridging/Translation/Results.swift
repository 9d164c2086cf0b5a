package import MCP
internal import StrictJSON

/// Results of one era as those of the other.
package enum Results {
    /// A result of a modern server for a client of the handshake era.
    ///
    /// - Parameters:
    ///   - result: the bytes of the result.
    ///   - method: what was asked.
    /// - Returns: the bytes without what that era has no words for; nil where the result is no object.
    package static func forHandshake(_ result: [UInt8], of method: MCPMethod) -> [UInt8]? {
        guard var members = RawObject(result) else { return nil }
        for name: JSONText in ["resultType", "ttlMs", "cacheScope"] { members[name] = nil }
        if var meta = members.object("_meta") {
            meta[Openings.serverInfo] = nil
            members["_meta"] = meta.isEmpty ? nil : meta.bytes
        }
        switch method {
        case .toolsCall:
            // Before 2026-07-28 structured content is an object.
            if let content = members["structuredContent"], !isObject(content) {
                var wrapped = RawObject()
                wrapped["result"] = content
                members.set("structuredContent", wrapped)
            }
        case .toolsList: members["tools"] = members["tools"].flatMap { tools($0) } ?? members["tools"]
        default: break
        }
        return members.bytes
    }

    /// The tools of a modern server as the handshake era has them: an output schema describes an object, and tools whose
    /// `x-mcp-header` may not be are not shown, as Streamable HTTP wants it of clients.
    private static func tools(_ list: [UInt8]) -> [UInt8]? {
        guard let elements = RawObject.elements(list) else { return nil }
        return RawObject.array(
            elements.compactMap { element in
                guard var tool = RawObject(element) else { return element }
                if let schema = tool.value("inputSchema"), (try? HeaderParameters(schema: schema)) == nil { return nil }
                if let schema = tool.object("outputSchema"), schema.text("type") != "object" {
                    var wrapped = RawObject()
                    wrapped.set("type", "object")
                    var properties = RawObject()
                    properties.set("result", schema)
                    wrapped.set("properties", properties)
                    wrapped.set("required", ["result"])
                    // Its references to itself begin at the top.
                    for name: JSONText in ["$defs", "definitions"] { wrapped[name] = schema[name] }
                    tool.set("outputSchema", wrapped)
                }
                return tool.bytes
            }
        )
    }

    /// A result of a server of the handshake era for a modern client.
    ///
    /// - Parameters:
    ///   - result: the bytes of the result.
    ///   - method: what was asked.
    ///   - serverInfo: what the server has said of itself.
    /// - Returns: the bytes with what the modern era wants; nil where the result is no object.
    package static func forModern(_ result: [UInt8], of method: MCPMethod, serverInfo: [UInt8]?) -> [UInt8]? {
        guard var members = RawObject(result) else { return nil }
        members.set("resultType", "complete")
        if isCached(method) {
            // A server of that era says when a list is another one, and nothing of how long it holds.
            members.set("ttlMs", 0)
            members.set("cacheScope", "private")
        }
        if let serverInfo {
            var meta = members.object("_meta") ?? RawObject()
            meta[Openings.serverInfo] = serverInfo
            members.set("_meta", meta)
        }
        return members.bytes
    }

    private static func isCached(_ method: MCPMethod) -> Bool {
        switch method {
        case .toolsList, .promptsList, .resourcesList, .resourceTemplatesList, .resourcesRead, .serverDiscover: true
        default: false
        }
    }

    private static func isObject(_ value: [UInt8]) -> Bool {
        value.first == UInt8(ascii: "{")
    }

    // MARK: Errors

    /// The error of a modern server for a client of the handshake era.
    package static func errorForHandshake(_ error: [UInt8], code: Int?, of method: MCPMethod) -> [UInt8] {
        switch code {
        case JSONRPCErrorCode.headerMismatch.rawValue, JSONRPCErrorCode.missingCapability.rawValue,
            JSONRPCErrorCode.unsupportedVersion.rawValue:
            // These are about the agent's own request, and mean nothing to its client.
            return renumbered(error, .internalError)
        case JSONRPCErrorCode.invalidParams.rawValue where method == .resourcesRead && isNotFound(error):
            return renumbered(error, .resourceNotFound)
        default: return error
        }
    }

    /// The error of a server of the handshake era for a modern client.
    package static func errorForModern(_ error: [UInt8], code: Int?) -> [UInt8] {
        switch code {
        case JSONRPCErrorCode.resourceNotFound.rawValue: return renumbered(error, .invalidParams)
        case JSONRPCErrorCode.urlElicitationRequired.rawValue: return renumbered(error, .internalError)
        case JSONRPCErrorCode.headerMismatch.rawValue, JSONRPCErrorCode.missingCapability.rawValue,
            JSONRPCErrorCode.unsupportedVersion.rawValue:
            return renumbered(error, .internalError)
        default: return error
        }
    }

    /// The error of a call that failed after the server wanted what the client does not have.
    static func lacking(_ kinds: Set<ServerRequest>) -> [UInt8] {
        var required = JSONObject()
        for kind in kinds.sorted(by: { $0.rawValue < $1.rawValue }) { required[JSONText(kind.rawValue)] = [:] }
        return RPCText.fault(
            .missingCapability,
            "The server asks for what this client does not declare.",
            ["requiredCapabilities": .object(required)]
        )
    }

    private static func isNotFound(_ error: [UInt8]) -> Bool {
        guard let members = RawObject(error) else { return false }
        return members.object("data")?["uri"] != nil
            || members.text("message")?.string.lowercased().contains("not found") == true
    }

    private static func renumbered(_ error: [UInt8], _ code: JSONRPCErrorCode) -> [UInt8] {
        guard var members = RawObject(error) else { return RPCText.fault(code, "The server refuses this.") }
        members.set("code", .int(code.rawValue))
        return members.bytes
    }
}
