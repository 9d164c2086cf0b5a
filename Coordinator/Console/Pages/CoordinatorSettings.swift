internal import Contract
package import StrictJSON

/// How a coordinator is set up, as it was told where it was started, for those who administer it.
package struct CoordinatorSettings: Sendable {
    /// Settings that belong together.
    package struct Group: Sendable {
        package let id: String
        package let name: String
        let about: String?
        package let values: [Value]

        /// - Parameters:
        ///   - id: In documents.
        ///   - name: For people.
        ///   - about: A few words beside the name.
        ///   - values: The settings.
        package init(_ id: String, _ name: String, about: String? = nil, _ values: [Value]) {
            self.id = id
            self.name = name
            self.about = about
            self.values = values
        }
    }

    /// One setting.
    package struct Value: Sendable {
        let id: String
        let name: String
        let value: String
        /// Where it is set, or what it means.
        let about: String?
        let isCode: Bool

        /// - Parameters:
        ///   - id: In documents.
        ///   - name: For people.
        ///   - value: What it is.
        ///   - about: Where it is set, or what it means.
        ///   - isCode: Whether it is something to copy.
        package init(_ id: String, _ name: String, _ value: String, about: String? = nil, isCode: Bool = false) {
            self.id = id
            self.name = name
            self.value = value
            self.about = about
            self.isCode = isCode
        }
    }

    /// All of them.
    package let groups: [Group]

    /// Settings in groups.
    package init(_ groups: [Group]) { self.groups = groups }

    /// As `GET /v1/settings` shows them.
    package var json: JSONValue {
        var object: JSONObject = ["release": .text(Release.version)]
        for group in groups {
            object[JSONText(group.id)] = .object(
                group.values.reduce(into: JSONObject()) { $0[JSONText($1.id)] = .text($1.value) }
            )
        }
        return .object(object)
    }
}
