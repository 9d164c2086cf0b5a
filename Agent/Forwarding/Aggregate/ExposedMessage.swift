internal import Glibc
internal import MCP
internal import StrictJSON

/// What a server says, as clients of the endpoint of all servers get it: with the URIs and ids that they have there.
///
/// What is no resource of the server stays as it is, such as what a tool gives as data and what stands in a text.
struct ExposedMessage {
    let alias: JSONText

    /// A response to a request of the client; nil for one that stays as it is.
    func response(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        // Most results name no resource, and are not read a second time.
        guard Self.places.contains(where: { Self.contains($0, bytes) }),
            var message = Self.read(bytes)
        else { return nil }
        if let result = message["result"] {
            message["result"] = exposed(result)
        } else if let error = message["error"]?.object {
            message["error"] = exposed(error: error)
        } else {
            return nil
        }
        return JSONValue.object(message).bytes
    }

    /// A notification or a request of the server; nil for one that stays as it is.
    func message(_ envelope: Envelope, _ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        switch envelope.kind {
        case .response, .errorResponse: return response(bytes)
        case .request: return request(bytes)
        case .notification:
            guard envelope.method == .resourcesUpdated || envelope.method == .cancelled,
                var message = Self.read(bytes), var params = message["params"]?.object
            else { return nil }
            if let uri = params["uri"]?.string { params["uri"] = .string(ExposedURI.expose(uri, of: alias)) }
            if let id = params["requestId"] { params["requestId"] = exposed(id: id) }
            message["params"] = .object(params)
            return JSONValue.object(message).bytes
        }
    }

    /// The client answers under the id that it was asked under, and so the id says who asked.
    private func request(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard var message = Self.read(bytes) else { return nil }
        if let id = message["id"] { message["id"] = exposed(id: id) }
        if let params = message["params"]?.object {
            message["params"] = exposed(question: params, isElicitation: message["method"] == "elicitation/create")
        }
        return JSONValue.object(message).bytes
    }

    private func exposed(id: JSONValue) -> JSONValue { .string(ExposedID.expose(id.bytes, of: alias)) }

    /// What a server asks the client: with who asks, where the user is to see it.
    private func exposed(question params: JSONObject, isElicitation: Bool) -> JSONValue {
        var params = params
        if isElicitation, let text = params["message"]?.text { params["message"] = .text("\(alias): \(text)") }
        if var meta = params["_meta"]?.object, let token = meta["progressToken"] {
            meta["progressToken"] = exposed(id: token)
            params["_meta"] = .object(meta)
        }
        return exposed(.object(params))
    }

    /// An error that asks for an address to be opened first (-32042), with who asks.
    private func exposed(error: JSONObject) -> JSONValue {
        var error = error
        guard var data = error["data"]?.object, let asked = data["elicitations"]?.array else { return .object(error) }
        data["elicitations"] = .array(
            asked.map { each in each.object.map { exposed(question: $0, isElicitation: true) } ?? each }
        )
        error["data"] = .object(data)
        return .object(error)
    }

    // MARK: Resources

    /// Where a resource is named.
    private static let places: [StaticString] = [#"uri""#, #"resourceUri""#, #""inputRequests""#, #""elicitations""#]
    /// What is data of the server's own, in which nothing is known to be a URI of a resource.
    private static let closed: Set<JSONText> = [
        "structuredContent", "arguments", "inputSchema", "outputSchema", "requestedSchema", "text", "blob", "data",
    ]

    /// A value with the URIs of all resources in it exposed: links, contents, what an app shows.
    func exposed(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): return .array(elements.map { exposed($0) })
        case .object(let object):
            let type = object["type"]?.text
            let members = object.members.map { member -> JSONObject.Member in
                switch member.name {
                case "uri" where type == "resource_link", "resourceUri", "ui/resourceUri":
                    JSONObject.Member(member.name, exposed(uri: member.value))
                case "resource" where type == "resource":
                    JSONObject.Member(member.name, exposed(resource: member.value))
                case "contents":
                    JSONObject.Member(member.name, exposed(contents: member.value))
                case "inputRequests":
                    JSONObject.Member(member.name, exposed(requests: member.value))
                case let name where Self.closed.contains(name):
                    member
                default:
                    JSONObject.Member(member.name, exposed(member.value))
                }
            }
            return .object(JSONObject(unique: members))
        case .null, .bool, .number, .string: return value
        }
    }

    private func exposed(uri value: JSONValue) -> JSONValue {
        value.string.map { .string(ExposedURI.expose($0, of: alias)) } ?? value
    }

    private func exposed(resource value: JSONValue) -> JSONValue {
        guard var resource = value.object, let uri = resource["uri"] else { return value }
        resource["uri"] = exposed(uri: uri)
        return .object(resource)
    }

    private func exposed(contents value: JSONValue) -> JSONValue {
        value.array.map { .array($0.map(exposed(resource:))) } ?? exposed(value)
    }

    private func exposed(requests value: JSONValue) -> JSONValue {
        guard let requests = value.object else { return value }
        let members = requests.members.map { member -> JSONObject.Member in
            guard var request = member.value.object, let params = request["params"]?.object else { return member }
            request["params"] = exposed(question: params, isElicitation: request["method"] == "elicitation/create")
            return JSONObject.Member(member.name, .object(request))
        }
        return .object(JSONObject(unique: members))
    }

    // MARK: Bytes

    private static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> JSONObject? {
        (try? JSONValue(lenientlyParsing: Array(bytes), limits: JSONLimits(maxBytes: bytes.count, maxDepth: 512)))?
            .object
    }

    private static func contains(_ text: StaticString, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = bytes.baseAddress else { return false }
        let end = start + bytes.count
        var position = start
        while end - position >= text.utf8CodeUnitCount,
            let found = memchr(position, Int32(text.utf8Start[0]), end - position)
        {
            let place = UnsafePointer(found.assumingMemoryBound(to: UInt8.self))
            guard end - place >= text.utf8CodeUnitCount else { return false }
            if memcmp(place, text.utf8Start, text.utf8CodeUnitCount) == 0 { return true }
            position = place + 1
        }
        return false
    }
}
