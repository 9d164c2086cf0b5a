internal import StrictJSON

/// What a server says that a tool does: `annotations` of its definition.
///
/// They are hints of the server. Where nothing reliable is said, what the protocol assumes holds: a tool changes things for
/// good, and reaches beyond its server.
package struct ToolHints: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// It changes nothing (`readOnlyHint`).
    package static let readOnly = ToolHints(rawValue: 1)
    /// It may destroy something (`destructiveHint`, of a tool that is not read-only).
    package static let destructive = ToolHints(rawValue: 2)
    /// A second call with the same arguments changes no more (`idempotentHint`).
    package static let idempotent = ToolHints(rawValue: 4)
    /// It meets what does not belong to its server (`openWorldHint`).
    package static let openWorld = ToolHints(rawValue: 8)

    /// What the protocol assumes of a tool that says nothing.
    package static let assumed: ToolHints = [.destructive, .openWorld]

    /// The hints of a definition; where `annotations` have two readings, or a hint is no truth value, what is assumed.
    init(_ definition: JSONObject) {
        self = Self.read(definition) ?? .assumed
    }

    private static func read(_ definition: JSONObject) -> ToolHints? {
        let known: [StaticString] = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]
        guard !definition.members.contains(where: { NameCase.isVariant($0.name.utf8, of: "annotations") }),
            case .object(let annotations)? = definition["annotations"],
            !annotations.members.contains(where: { member in
                known.contains { NameCase.isVariant(member.name.utf8, of: $0) }
            })
        else { return nil }
        func says(_ name: JSONText, otherwise: Bool) -> Bool? {
            guard let value = annotations[name] else { return otherwise }
            return value.bool
        }
        guard let isReadOnly = says("readOnlyHint", otherwise: false),
            let isDestructive = says("destructiveHint", otherwise: true),
            let isIdempotent = says("idempotentHint", otherwise: false),
            let isOpen = says("openWorldHint", otherwise: true)
        else { return nil }
        var hints: ToolHints = []
        if isReadOnly { hints.insert(.readOnly) } else if isDestructive { hints.insert(.destructive) }
        if isIdempotent { hints.insert(.idempotent) }
        if isOpen { hints.insert(.openWorld) }
        return hints
    }
}
