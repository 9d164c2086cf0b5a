package import MCP
package import StrictJSON

/// Questions of servers: in the modern era part of a result, before requests of their own.
package enum Rounds {
    /// One question.
    package struct Question: Equatable, Sendable {
        /// Its key among the questions of one result.
        package let key: JSONText
        package let method: MCPMethod
        package let params: RawObject

        package init(key: JSONText, method: MCPMethod, params: RawObject) {
            self.key = key
            self.method = method
            self.params = params
        }
    }

    /// A result that asks.
    package struct Asking: Equatable, Sendable {
        package let questions: [Question]
        /// What the server wants to be shown again, as it is.
        package let state: [UInt8]?
    }

    /// The most questions of one result.
    package static let mostQuestions = 64

    /// Reads a result of `input_required`; nil for one that cannot be understood.
    package static func read(_ result: [UInt8]) -> Asking? {
        guard let members = RawObject(result) else { return nil }
        let requests = members.object("inputRequests") ?? RawObject()
        guard requests.names.count <= mostQuestions else { return nil }
        var questions: [Question] = []
        for name in requests.names {
            guard let request = requests.object(name), let method = request.text("method") else { return nil }
            let known = method.utf8.withUnsafeBufferPointer { MCPMethod($0) }
            guard known.serverRequest != nil else { return nil }
            questions.append(Question(key: name, method: known, params: request.object("params") ?? RawObject()))
        }
        guard !questions.isEmpty || members["requestState"] != nil else { return nil }
        return Asking(questions: questions, state: members["requestState"])
    }

    /// The parameters of the request that answers.
    package static func answering(_ params: RawObject, _ answers: [(key: JSONText, result: [UInt8])], state: [UInt8]?)
        -> RawObject
    {
        var params = params
        var responses = RawObject()
        for answer in answers { responses[answer.key] = answer.result }
        if answers.isEmpty { params["inputResponses"] = nil } else { params.set("inputResponses", responses) }
        params["requestState"] = state
        return params
    }

    /// A result that asks a modern client.
    package static func asking(_ questions: [Question], state: JSONText, serverInfo: [UInt8]?) -> [UInt8] {
        var requests = RawObject()
        for question in questions {
            var request = RawObject()
            request.set("method", .text("\(question.method.name)"))
            request.set("params", question.params)
            requests.set(question.key, request)
        }
        var result = RawObject()
        result.set("resultType", "input_required")
        result.set("inputRequests", requests)
        result.set("requestState", .string(state))
        if let serverInfo {
            var meta = RawObject()
            meta[Openings.serverInfo] = serverInfo
            result.set("_meta", meta)
        }
        return result.bytes
    }

    /// A question of a server of the handshake era as a modern client is asked it.
    package static func forModern(_ method: MCPMethod, _ params: RawObject) -> RawObject {
        var params = params
        params["elicitationId"] = nil
        params["task"] = nil
        if var meta = params.object("_meta") {
            meta["progressToken"] = nil
            params["_meta"] = meta.isEmpty ? nil : meta.bytes
        }
        return params
    }

    /// A question of a modern server as a client of the handshake era is asked it; `id` is what names an address that the
    /// user is to open.
    package static func forHandshake(_ question: Question, id: JSONText) -> RawObject {
        var params = question.params
        if question.method == .elicitationCreate, params.text("mode") == "url", params["elicitationId"] == nil {
            params.set("elicitationId", .string(id))
        }
        return params
    }

    /// What a question was answered with where its client cannot answer it: nil where there is no such word.
    package static func cancelled(_ method: MCPMethod) -> [UInt8]? {
        method == .elicitationCreate ? Array(#"{"action":"cancel"}"#.utf8) : nil
    }

    /// The addresses to open of an error -32042 of 2025-11-25.
    package static func questions(ofError error: [UInt8]) -> [Question] {
        guard let data = RawObject(error)?.object("data"),
            let elicitations = data["elicitations"].flatMap(RawObject.elements)
        else { return [] }
        return elicitations.prefix(mostQuestions).enumerated().compactMap { index, bytes in
            guard let params = RawObject(bytes), params.text("mode") == "url" else { return nil }
            let shown = forModern(.elicitationCreate, params)
            return Question(key: JSONText("url-\(index + 1)"), method: .elicitationCreate, params: shown)
        }
    }
}
