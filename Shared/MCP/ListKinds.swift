/// The lists of a server whose changes a client can be told of.
package struct ListKinds: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    package static let tools = ListKinds(rawValue: 1)
    package static let prompts = ListKinds(rawValue: 2)
    /// Resources, and the templates of their URIs.
    package static let resources = ListKinds(rawValue: 4)
    package static let all: ListKinds = [.tools, .prompts, .resources]

    /// The notifications that say that these lists are others now.
    package var notifications: [MCPMethod] {
        var methods: [MCPMethod] = []
        if contains(.tools) { methods.append(.toolsListChanged) }
        if contains(.prompts) { methods.append(.promptsListChanged) }
        if contains(.resources) { methods.append(.resourcesListChanged) }
        return methods
    }
}
