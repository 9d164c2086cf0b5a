internal import Glibc
internal import StrictJSON

/// Every method of the protocol, of both eras; whatever else comes is `unknown` and goes nowhere.
package enum MCPMethod: UInt8, Hashable, Sendable, CaseIterable {
    case unknown
    // Requests of a client.
    case initialize, ping, serverDiscover
    case toolsList, toolsCall
    case resourcesList, resourceTemplatesList, resourcesRead, resourcesSubscribe, resourcesUnsubscribe
    case promptsList, promptsGet
    case completionComplete, loggingSetLevel, subscriptionsListen
    case tasksGet, tasksUpdate, tasksCancel, tasksResult, tasksList
    // Requests of a server, in the handshake era.
    case samplingCreateMessage, elicitationCreate, rootsList
    // Notifications.
    case initialized, cancelled, progress, rootsListChanged
    case message, toolsListChanged, promptsListChanged, resourcesListChanged, resourcesUpdated
    case elicitationComplete, subscriptionsAcknowledged, tasksStatus, tasks

    /// The method of this name.
    package init(_ name: UnsafeBufferPointer<UInt8>) {
        if Self.equal(name, Self.toolsCall.name) {
            self = .toolsCall
            return
        }
        for raw in Self.initialize.rawValue...Self.tasks.rawValue {
            if let method = MCPMethod(rawValue: raw), Self.equal(name, method.name) {
                self = method
                return
            }
        }
        self = .unknown
    }

    private static func equal(_ name: UnsafeBufferPointer<UInt8>, _ known: StaticString) -> Bool {
        guard name.count == known.utf8CodeUnitCount, let start = name.baseAddress else { return false }
        return memcmp(start, known.utf8Start, name.count) == 0
    }

    /// The name on the wire; empty for `unknown`.
    package var name: StaticString {
        switch self {
        case .unknown: ""
        case .initialize: "initialize"
        case .ping: "ping"
        case .serverDiscover: "server/discover"
        case .toolsList: "tools/list"
        case .toolsCall: "tools/call"
        case .resourcesList: "resources/list"
        case .resourceTemplatesList: "resources/templates/list"
        case .resourcesRead: "resources/read"
        case .resourcesSubscribe: "resources/subscribe"
        case .resourcesUnsubscribe: "resources/unsubscribe"
        case .promptsList: "prompts/list"
        case .promptsGet: "prompts/get"
        case .completionComplete: "completion/complete"
        case .loggingSetLevel: "logging/setLevel"
        case .subscriptionsListen: "subscriptions/listen"
        case .tasksGet: "tasks/get"
        case .tasksUpdate: "tasks/update"
        case .tasksCancel: "tasks/cancel"
        case .tasksResult: "tasks/result"
        case .tasksList: "tasks/list"
        case .samplingCreateMessage: "sampling/createMessage"
        case .elicitationCreate: "elicitation/create"
        case .rootsList: "roots/list"
        case .initialized: "notifications/initialized"
        case .cancelled: "notifications/cancelled"
        case .progress: "notifications/progress"
        case .rootsListChanged: "notifications/roots/list_changed"
        case .message: "notifications/message"
        case .toolsListChanged: "notifications/tools/list_changed"
        case .promptsListChanged: "notifications/prompts/list_changed"
        case .resourcesListChanged: "notifications/resources/list_changed"
        case .resourcesUpdated: "notifications/resources/updated"
        case .elicitationComplete: "notifications/elicitation/complete"
        case .subscriptionsAcknowledged: "notifications/subscriptions/acknowledged"
        case .tasksStatus: "notifications/tasks/status"
        case .tasks: "notifications/tasks"
        }
    }
}
