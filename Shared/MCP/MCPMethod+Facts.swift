/// What a gateway must know of a method to judge a message.
extension MCPMethod {
    /// What kind of single thing a request is about.
    package enum ItemKind: Hashable, Sendable {
        case tool, prompt, resource, task
    }

    /// The two families of revisions in which a method exists.
    package struct Eras: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let handshake = Eras(rawValue: 1)
        package static let modern = Eras(rawValue: 2)
        package static let both: Eras = [.handshake, .modern]
    }

    /// Who may send a method.
    package struct Senders: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let client = Senders(rawValue: 1)
        package static let server = Senders(rawValue: 2)
        package static let both: Senders = [.client, .server]
    }

    package var isNotification: Bool { rawValue >= Self.initialized.rawValue }

    package var isRequest: Bool { self != .unknown && !isNotification }

    /// Whether the result is a list whose entries are shown or hidden one by one.
    package var isList: Bool { listMember != nil }

    /// The member of the result that holds the entries, and the member of an entry that names it.
    var listMember: (member: StaticString, name: StaticString, kind: ItemKind)? {
        switch self {
        case .toolsList: ("tools", "name", .tool)
        case .tasksList: ("tasks", "taskId", .task)
        case .promptsList: ("prompts", "name", .prompt)
        case .resourcesList: ("resources", "uri", .resource)
        case .resourceTemplatesList: ("resourceTemplates", "uriTemplate", .resource)
        default: nil
        }
    }

    /// Which eras know the method.
    package var eras: Eras {
        switch self {
        case .unknown: []
        case .serverDiscover, .subscriptionsListen, .subscriptionsAcknowledged, .tasksUpdate, .tasks: .modern
        case .initialize, .initialized, .ping, .loggingSetLevel, .resourcesSubscribe, .resourcesUnsubscribe: .handshake
        case .tasksResult, .tasksList, .tasksStatus, .elicitationComplete, .rootsListChanged: .handshake
        case .samplingCreateMessage, .elicitationCreate, .rootsList: .handshake
        case .toolsList, .toolsCall, .resourcesList, .resourceTemplatesList, .resourcesRead: .both
        case .promptsList, .promptsGet, .completionComplete, .tasksGet, .tasksCancel: .both
        case .cancelled, .progress, .message: .both
        case .toolsListChanged, .promptsListChanged, .resourcesListChanged, .resourcesUpdated: .both
        }
    }

    /// Who may send it.
    ///
    /// Tasks of 2025-11-25 run both ways.
    package var senders: Senders {
        switch self {
        case .unknown: []
        case .ping, .cancelled, .progress: .both
        case .tasksGet, .tasksCancel, .tasksResult, .tasksList, .tasksStatus: .both
        case .initialize, .serverDiscover, .toolsList, .toolsCall, .promptsList, .promptsGet: .client
        case .resourcesList, .resourceTemplatesList, .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe: .client
        case .completionComplete, .loggingSetLevel, .subscriptionsListen, .tasksUpdate: .client
        case .initialized, .rootsListChanged: .client
        case .samplingCreateMessage, .elicitationCreate, .rootsList: .server
        case .message, .toolsListChanged, .promptsListChanged, .resourcesListChanged, .resourcesUpdated: .server
        case .elicitationComplete, .subscriptionsAcknowledged, .tasks: .server
        }
    }

    /// Whether a request must say which single thing it is about.
    package var needsItem: Bool {
        switch self {
        case .toolsCall, .promptsGet, .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe, .completionComplete:
            true
        case .tasksGet, .tasksUpdate, .tasksCancel, .tasksResult: true
        default: false
        }
    }

    /// Whether `Mcp-Name` must repeat the item in the modern era.
    package var isNamedInHeader: Bool {
        switch self {
        case .toolsCall, .promptsGet, .resourcesRead, .tasksGet, .tasksUpdate, .tasksCancel: true
        default: false
        }
    }

    /// What a server asks of a client, alone in the handshake era or within an `input_required` result.
    package var serverRequest: ServerRequest? {
        switch self {
        case .elicitationCreate: .elicitation
        case .samplingCreateMessage: .sampling
        case .rootsList: .roots
        default: nil
        }
    }
}

/// The kinds of things that a server may ask of a client.
package enum ServerRequest: String, Hashable, Sendable, CaseIterable {
    case elicitation, sampling, roots
}
