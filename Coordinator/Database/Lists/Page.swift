/// Which part of a list is asked for.
package struct PageRequest: Sendable, Equatable {
    /// How many there may be on the page; at least 1.
    package let limit: Int
    /// The place behind which the page begins, as `Page.next` names it; nil: at the beginning.
    package let after: [SQLValue]?

    /// A page of so many behind a place.
    package init(limit: Int, after: [SQLValue]? = nil) {
        self.limit = max(limit, 1)
        self.after = after
    }

    /// The whole of a list, for those who need all of it at once.
    package static let all = PageRequest(limit: Int.max - 1)
}

/// A part of a list.
package struct Page<Item: Sendable>: Sendable {
    package let items: [Item]
    /// The place behind the last item; nil: there is no further one.
    package let next: [SQLValue]?

    /// Items with the place behind them.
    package init(_ items: [Item], next: [SQLValue]?) {
        self.items = items
        self.next = next
    }
}

/// The place that a page is to begin behind is not one of this list.
package struct ForeignPlace: Error, Equatable {
    package init() {}
}
