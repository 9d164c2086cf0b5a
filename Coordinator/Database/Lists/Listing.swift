/// A list that is read in pages: what comes after a place is found by the values of the columns that order it, so nothing is
/// shown twice or left out because something before it came or went.
package struct Listing: Sendable {
    /// One column that orders the list.
    package struct Key: Sendable {
        let expression: String
        let column: String

        /// A key.
        ///
        /// - Parameters:
        ///   - expression: as the statement's conditions name it: `person.email`.
        ///   - column: as the rows have it: `email`.
        package init(_ expression: String, _ column: String) {
            self.expression = expression
            self.column = column
        }
    }

    /// Which rows are shown.
    package struct Condition: Sendable {
        let sql: String
        let arguments: [SQLValue]

        /// A condition of the statement, with the values of its question marks.
        package init(_ sql: String, _ arguments: SQLValue...) {
            self.sql = sql
            self.arguments = arguments
        }
    }

    private let select: String
    private let keys: [Key]
    private let isDescending: Bool

    /// A list.
    ///
    /// - Parameters:
    ///   - select: the statement up to its conditions.
    ///   - keys: by which it is ordered; together no two rows have the same, and none of them is null.
    ///   - isDescending: whether the greatest comes first.
    package init(_ select: String, by keys: [Key], isDescending: Bool = false) {
        self.select = select
        self.keys = keys
        self.isDescending = isDescending
    }

    /// One page of the rows that fit.
    ///
    /// - Throws: `ForeignPlace` for a place of a list that has other keys; what the database throws, and what `item` does.
    package func page<Item>(
        _ request: PageRequest,
        where conditions: [Condition] = [],
        in view: some SQLReading,
        _ item: (SQLRow) throws -> Item
    ) throws -> Page<Item> {
        var conditions = conditions
        if let after = request.after {
            guard after.count == keys.count else { throw ForeignPlace() }
            let columns = keys.map(\.expression).joined(separator: ", ")
            let marks = keys.map { _ in "?" }.joined(separator: ", ")
            conditions.append(Condition("(\(columns)) \(isDescending ? "<" : ">") (\(marks))", after))
        }
        let filter = conditions.isEmpty ? "" : "WHERE \(conditions.map(\.sql).joined(separator: " AND "))"
        let order = keys.map { isDescending ? "\($0.expression) DESC" : $0.expression }.joined(separator: ", ")
        var rows = try view.rows(
            "\(select) \(filter) ORDER BY \(order) LIMIT ?",
            conditions.flatMap(\.arguments) + [.integer(request.limit + 1)]
        )
        guard rows.count > request.limit, let last = rows.prefix(request.limit).last else {
            return Page(try rows.map(item), next: nil)
        }
        rows.removeLast(rows.count - request.limit)
        return Page(try rows.map(item), next: try keys.map { try last.value($0.column) })
    }
}

extension Listing.Condition {
    fileprivate init(_ sql: String, _ arguments: [SQLValue]) {
        self.sql = sql
        self.arguments = arguments
    }
}
