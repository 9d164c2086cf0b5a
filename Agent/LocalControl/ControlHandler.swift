package import StrictJSON

/// Turns requests to `/control/...` into operations, and what they return into answers.
///
/// The caller has proven the user by the socket's peer credentials: a request over TCP never comes here.
package struct ControlHandler: Sendable {
    /// The path below which everything is an operation.
    package static let prefix = "/control/"
    /// The longest body: names, and arguments of a call.
    package static let longestBody = 1 << 20

    private let operations: any AgentOperations

    /// A handler over the operations of a running agent.
    package init(_ operations: any AgentOperations) {
        self.operations = operations
    }

    /// What goes back: an HTTP status and one JSON document.
    package struct Answer: Sendable {
        package let status: Int
        package let json: JSONValue
    }

    /// Answers one request.
    ///
    /// - Parameters:
    ///   - method: GET for facts, POST for everything else.
    ///   - path: without the query.
    ///   - body: one JSON object, or nothing.
    /// - Returns: the document, with the status that fits.
    package func answer(method: String, path: String, body: [UInt8]) async -> Answer {
        do {
            let question = try Question(body: body)
            guard let answer = try await perform("\(method) \(path.dropFirst(Self.prefix.count))", question) else {
                return Answer(status: 404, json: ControlFailure("unknown_operation", "There is no \(path).").json)
            }
            return Answer(status: 200, json: answer)
        } catch let failure as ControlFailure {
            return Answer(status: 409, json: failure.json)
        } catch let error as ShapeError {
            return Answer(status: 400, json: ControlFailure("bad_request", "\(error)").json)
        } catch {
            return Answer(status: 500, json: ControlFailure("internal", "The agent could not do that.").json)
        }
    }

    private func perform(_ operation: String, _ question: Question) async throws -> JSONValue? {
        switch operation {
        case "GET status": try await operations.status()
        case "GET servers": try await operations.servers()
        case "POST sign-in":
            try await operations.beginSignIn(
                server: try question.text("server"),
                clientSecret: try question.optionalText("client_secret")
            )
        case "POST secrets":
            try await operations.keepSecrets(server: try question.text("server"), values: try question.texts("values"))
        case "POST sign-in/wait": try await operations.awaitSignIn(flow: try question.text("flow"))
        case "POST sign-out":
            try await operations.signOut(
                server: try question.text("server"),
                forgettingSecret: try question.flag("forget_secret")
            )
        case "POST explain":
            try await operations.explain(
                server: try question.text("server"),
                tool: try question.text("tool"),
                arguments: try question.object("arguments"),
                client: try question.text("client")
            )
        case "POST records/newest": try await operations.records(newest: try question.int("count", in: 0...1000))
        case "POST records/from":
            try await operations.records(
                from: try question.int("next", in: 0...Int.max),
                waiting: try question.int("seconds", in: 0...60)
            )
        case "POST records/call": try await operations.records(call: try question.text("call"))
        case "POST reload": try await operations.reload()
        case "POST unlock": try await operations.unlock()
        case "POST leave": try await operations.leave(isOffline: try question.flag("offline"))
        default: nil
        }
    }
}

/// The members of a request's body.
private struct Question {
    private let object: JSONValue

    init(body: [UInt8]) throws {
        guard !body.isEmpty else {
            object = .object(JSONObject())
            return
        }
        do {
            object = try JSONValue(parsing: body)
        } catch {
            throw ShapeError("", "\(error)")
        }
    }

    func text(_ name: JSONText) throws -> String {
        guard let value = object[name] else { throw ShapeError("\(name)", "is missing") }
        return try ObjectReader.text(value, at: "\(name)").string
    }

    func optionalText(_ name: JSONText) throws -> String? { object[name] == nil ? nil : try text(name) }

    /// A map of texts.
    func texts(_ name: JSONText) throws -> [String: String] {
        guard case .object(let members)? = object[name] else { throw ShapeError("\(name)", "must be an object") }
        var texts: [String: String] = [:]
        for member in members.members {
            texts[member.name.string] = try ObjectReader.text(member.value, at: "\(name)/\(member.name)").string
        }
        return texts
    }

    /// An object; one that is missing is empty.
    func object(_ name: JSONText) throws -> JSONValue {
        guard let value = object[name] else { return .object(JSONObject()) }
        guard case .object = value else { throw ShapeError("\(name)", "must be an object") }
        return value
    }

    /// Whether a member is true; one that is missing is not.
    func flag(_ name: JSONText) throws -> Bool {
        guard let value = object[name] else { return false }
        guard let flag = value.bool else { throw ShapeError("\(name)", "must be true or false") }
        return flag
    }

    func int(_ name: JSONText, in range: ClosedRange<Int>) throws -> Int {
        guard let value = object[name] else { throw ShapeError("\(name)", "is missing") }
        return try ObjectReader.int(value, in: range, at: "\(name)")
    }
}
