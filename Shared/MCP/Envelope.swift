package import StrictJSON

/// What a gateway must know of one JSON-RPC message, as places in its bytes.
///
/// The scan checks the whole document, so an envelope exists only for bytes that every parser reads alike and that may
/// be forwarded as they are.
package struct Envelope: Sendable {
    /// The four kinds of messages.
    package enum Kind: Hashable, Sendable {
        case request, notification, response, errorResponse
    }

    /// The single thing that a request or notification is about.
    package struct Item: Hashable, Sendable {
        package let kind: MCPMethod.ItemKind
        /// The name of a tool or prompt, the URI of a resource (or of a template, for a completion), the id of a task.
        package let name: JSONStringSpan
    }

    /// What a result says of itself.
    package enum ResultType: Hashable, Sendable {
        /// Without the member: a result of the handshake era, to be read as complete.
        case absent
        case complete, inputRequired, task, other
    }

    /// What the entries of `inputRequests` ask for.
    package struct InputRequests: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let elicitation = InputRequests(rawValue: 1)
        package static let sampling = InputRequests(rawValue: 2)
        package static let roots = InputRequests(rawValue: 4)
        /// A method that no revision lets a server ask for.
        package static let other = InputRequests(rawValue: 8)
    }

    package internal(set) var kind: Kind = .request
    /// The literal of the id, with its quotes; nil for notifications, and for an error that names no request.
    package internal(set) var id: JSONSpan?
    package internal(set) var method: MCPMethod = .unknown
    /// The text of the method, nil for responses.
    package internal(set) var methodName: JSONStringSpan?
    package internal(set) var item: Item?

    // Of `params`.
    package internal(set) var params: JSONSpan?
    package internal(set) var arguments: JSONSpan?
    /// `argument` of a completion.
    package internal(set) var argument: JSONSpan?
    /// `_meta["io.modelcontextprotocol/protocolVersion"]`: what makes a request a modern one.
    package internal(set) var protocolVersion: JSONStringSpan?
    /// `protocolVersion` of `initialize`.
    package internal(set) var initializeVersion: JSONStringSpan?
    /// The literal of `_meta.progressToken`, or of `progressToken` in a progress notification.
    package internal(set) var progressToken: JSONSpan?
    /// `_meta.traceparent`.
    package internal(set) var traceparent: JSONStringSpan?
    /// The literal of `requestId` in `notifications/cancelled`.
    package internal(set) var cancelledID: JSONSpan?
    /// `notifications.resourceSubscriptions` of `subscriptions/listen`: an array of strings.
    package internal(set) var resourceSubscriptions: JSONSpan?
    /// `notifications.taskIds` of `subscriptions/listen`: an array of strings.
    package internal(set) var taskSubscriptions: JSONSpan?
    /// The lists of which `subscriptions/listen` wants to hear that they have changed.
    package internal(set) var listSubscriptions: ListKinds = []
    /// Whether `subscriptions/listen` wants to hear of tasks.
    package var subscribesToTasks: Bool { taskSubscriptions != nil }
    /// Whether a task is to be made of the request (`params.task`).
    package internal(set) var asksForTask = false
    /// Whether a list is asked for from a certain place on (`params.cursor`).
    package internal(set) var hasCursor = false

    // Of `result` and `error`.
    package internal(set) var result: JSONSpan?
    package internal(set) var error: JSONSpan?
    package internal(set) var errorCode: Int?
    /// The literals of the error's other members.
    package internal(set) var errorMessage: JSONSpan?
    package internal(set) var errorData: JSONSpan?
    /// Whether the result of a tool says `isError`.
    package internal(set) var isToolError = false
    package internal(set) var resultType: ResultType = .absent
    /// `nextCursor`, where there is more of a list; an empty text is a cursor too.
    package internal(set) var nextCursor: JSONStringSpan?
    package internal(set) var hasInputRequests = false
    package internal(set) var inputRequests: InputRequests = []

    // While scanning.
    /// Whether a server sent it: then all that the gateway does not read passes as it is.
    let isOfServer: Bool
    var members = Members()
    var fault: EnvelopeError.Fault?

    /// The era of a request, by its body alone.
    package var era: Revisions.Era { protocolVersion == nil ? .handshake : .modern }

    private init(isOfServer: Bool) {
        self.isOfServer = isOfServer
    }

    /// Scans one message of a client: all of it is held to one reading, since the server must read what was judged.
    ///
    /// - Parameters:
    ///   - bytes: the whole message.
    ///   - limits: its largest size and depth.
    /// - Returns: the places, valid for these bytes.
    /// - Throws: what to answer.
    package static func scan(
        _ bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits = .message
    ) throws(EnvelopeError) -> Envelope {
        do {
            return try scan(bytes, limits: limits, isOfServer: false)
        } catch {
            guard error.id == nil else { throw error }
            throw EnvelopeError(error, id: StrayID.find(in: bytes))
        }
    }

    /// Scans one message of a server: what is read here must have one reading, and the rest passes as it is.
    ///
    /// - Parameters:
    ///   - bytes: the whole message.
    ///   - limits: its largest size.
    /// - Returns: the places, valid for these bytes.
    /// - Throws: why the message has no single reading.
    package static func scan(
        ofServer bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits = .reply
    ) throws(EnvelopeError) -> Envelope {
        try scan(bytes, limits: limits, isOfServer: true)
    }

    private static func scan(
        _ bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits,
        isOfServer: Bool
    ) throws(EnvelopeError) -> Envelope {
        var envelope = Envelope(isOfServer: isOfServer)
        do {
            try JSONScanner.walk(bytes, limits: limits) { scanner throws(JSONError) in
                try envelope.readMessage(&scanner)
            }
        } catch {
            throw EnvelopeError(error)
        }
        try envelope.settle(in: bytes)
        return envelope
    }

    /// The URIs that `subscriptions/listen` wants to hear of.
    package func resourceSubscriptionURIs(in bytes: UnsafeBufferPointer<UInt8>) -> [JSONText] {
        names(resourceSubscriptions, in: bytes)
    }

    /// The ids of the tasks that `subscriptions/listen` wants to hear of.
    package func subscribedTaskIDs(in bytes: UnsafeBufferPointer<UInt8>) -> [JSONText] {
        names(taskSubscriptions, in: bytes)
    }

    private func names(_ span: JSONSpan?, in bytes: UnsafeBufferPointer<UInt8>) -> [JSONText] {
        guard let span else { return [] }
        let literal = UnsafeBufferPointer(rebasing: bytes[span.range])
        // The scan has already checked that they are strings.
        let limits = JSONLimits(maxBytes: literal.count, maxDepth: 2)
        let value = try? JSONValue(parsing: literal, limits: limits, topLevel: .anything)
        // If they ever could not be read: a name that only a grant of everything allows.
        return value?.array?.compactMap(\.string) ?? [""]
    }
}
