internal import Foundation
internal import GRDB

/// What can be asked of the database within one consistent view of it.
///
/// The view lives as long as the closure that it was given to and must not leave it.
package protocol SQLReading {
    /// Calls `body` with each row in turn, until it returns false.
    func each(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> Bool) throws
}

extension SQLReading {
    /// All rows of the answer.
    package func rows(_ sql: String, _ arguments: [SQLValue] = []) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try each(sql, arguments) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    /// The first row of the answer, if there is one.
    package func first(_ sql: String, _ arguments: [SQLValue] = []) throws -> SQLRow? {
        var first: SQLRow?
        try each(sql, arguments) { row in
            first = row
            return false
        }
        return first
    }
}

/// A consistent view of the database that changes nothing.
package struct SQLSnapshot: SQLReading {
    let connection: GRDB.Database

    package func each(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
        try connection.each(sql, arguments, body)
    }
}

/// One change of the database: all of it is committed, or none.
package struct SQLTransaction: SQLReading {
    let connection: GRDB.Database
    let effects: Effects

    /// What is to happen once the change is committed.
    final class Effects {
        var afterCommit: [@Sendable () -> Void] = []
    }

    /// Has `effect` run after the commit, before the change's maker is told; not at all if the change is taken back.
    ///
    /// It must be quick and cannot fail.
    package func afterCommit(_ effect: @escaping @Sendable () -> Void) {
        effects.afterCommit.append(effect)
    }

    package func each(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
        try connection.each(sql, arguments, body)
    }

    /// Runs one statement and tells how many rows it changed.
    @discardableResult
    package func execute(_ sql: String, _ arguments: [SQLValue] = []) throws -> Int {
        let statement = try connection.cachedStatement(sql: sql)
        if let place = arguments.firstIndex(where: \.isStretch), case .stretch(let bytes) = arguments[place] {
            try bytes.withUnsafeBytes { bytes in
                var arguments = arguments.map(\.argument)
                if let start = bytes.baseAddress {
                    arguments[place] = Data(
                        bytesNoCopy: UnsafeMutableRawPointer(mutating: start),
                        count: bytes.count,
                        deallocator: .none
                    )
                }
                try statement.execute(arguments: StatementArguments(arguments))
                // The statement is kept, and must not keep an address that holds in here alone; one that fails is not kept.
                statement.setUncheckedArguments([])
            }
        } else {
            try statement.execute(arguments: StatementArguments(arguments))
        }
        return connection.changesCount
    }

    /// Inserts one row and tells the number that the database gave it.
    package func insert(_ sql: String, _ arguments: [SQLValue] = []) throws -> Int {
        try execute(sql, arguments)
        return Int(connection.lastInsertedRowID)
    }
}

extension GRDB.Database {
    fileprivate func each(_ sql: String, _ arguments: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
        let statement = try cachedStatement(sql: sql)
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(arguments))
        let columns = statement.columnNames
        while let row = try cursor.next() {
            let values: [SQLValue] = row.databaseValues.map { SQLValue($0) }
            guard try body(SQLRow(columns: columns, values: values)) else { return }
        }
    }
}

extension StatementArguments {
    fileprivate init(_ values: [SQLValue]) {
        // The library reads values of one type through a key path, which it asks the runtime for each time.
        self.init(values.map(\.argument))
    }
}

extension SQLValue {
    fileprivate var isStretch: Bool { if case .stretch = self { true } else { false } }

    fileprivate var argument: (any DatabaseValueConvertible)? {
        switch self {
        case .null: nil
        case .integer(let integer): integer
        case .text(let text): text
        case .blob(let bytes): Data(bytes)
        case .stretch(let bytes): Data(bytes)
        }
    }

    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let integer): self = .integer(Int(integer))
        case .string(let text): self = .text(text)
        case .blob(let data): self = .blob([UInt8](data))
        // No column of ours is REAL; a sum or average must be cast by the statement that asks for it.
        case .double(let double): self = .text(String(double))
        }
    }
}
