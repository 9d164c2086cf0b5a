internal import MCP
internal import StrictJSON

/// The tools that the client has been shown, as far as their arguments are repeated in headers.
struct ShownTools {
    private var parameters: [JSONText: HeaderParameters] = [:]
    /// What a server may make a shim remember.
    private static let most = 10_000

    /// Learns from a page of `tools/list`, which replaces what was known of the tools on it.
    ///
    /// - Returns: the names of the tools whose schemas break the rules: a client of HTTP must not have them.
    mutating func learn(_ result: JSONObject) -> Set<JSONText> {
        var broken: Set<JSONText> = []
        for tool in result["tools"]?.array ?? [] {
            guard let name = tool["name"]?.string else { continue }
            parameters[name] = nil
            guard let schema = tool["inputSchema"] else { continue }
            do throws(HeaderParameters.Invalid) {
                let found = try HeaderParameters(schema: schema)
                if !found.isEmpty, parameters.count < Self.most { parameters[name] = found }
            } catch {
                broken.insert(name)
            }
        }
        return broken
    }

    /// The headers of a call; none for an argument that no header can repeat: the server says what it makes of it.
    func headers(tool: JSONText, arguments: JSONValue?) -> [HeaderParameter] {
        parameters[tool]?.headers(for: arguments ?? .object(JSONObject())) ?? []
    }
}
