/// The members of an object, in the order in which they were written.
///
/// A name occurs once. Two objects are equal when they have equal members, in whatever order.
package struct JSONObject: Sendable {
    /// One name with its value.
    package struct Member: Hashable, Sendable {
        package let name: JSONText
        package internal(set) var value: JSONValue

        package init(_ name: JSONText, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var members: [Member]

    /// An object without members.
    package init() {
        members = []
    }

    /// The members of an object whose reader has seen to it that no name occurs twice.
    package init(unique members: [Member]) {
        self.members = members
    }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package var names: [JSONText] { members.map(\.name) }

    /// The value of a member.
    ///
    /// Setting nil takes the member away, setting a value keeps its place or appends it.
    package subscript(name: JSONText) -> JSONValue? {
        get {
            members.first { $0.name == name }?.value
        }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name, value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.sortedMembers == right.sortedMembers
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(sortedMembers)
    }

    /// The members sorted by the bytes of their names.
    package var sortedMembers: [Member] {
        members.sorted { $0.name < $1.name }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object of a literal, where the last of two equal names counts.
    package init(dictionaryLiteral elements: (JSONText, JSONValue)...) {
        self.init()
        for (name, value) in elements {
            self[name] = value
        }
    }
}
