/// One row of an answer, copied out of the database.
///
/// A column that is missing or of another type than asked for is an error of code `.schema`: the schema says
/// NOT NULL and STRICT, so it means a damaged file or a wrong statement, never bad input.
package struct SQLRow: Sendable {
    let columns: [String]
    let values: [SQLValue]

    /// The value of `column`.
    package func value(_ column: String) throws -> SQLValue {
        guard let index = columns.firstIndex(of: column) else { throw SQLError.schema(column: column) }
        return values[index]
    }

    /// The integer in `column`.
    package func integer(_ column: String) throws -> Int {
        guard case .integer(let integer) = try value(column) else { throw SQLError.schema(column: column) }
        return integer
    }

    /// The text in `column`.
    package func text(_ column: String) throws -> String {
        guard case .text(let text) = try value(column) else { throw SQLError.schema(column: column) }
        return text
    }

    /// The bytes in `column`.
    package func blob(_ column: String) throws -> [UInt8] {
        guard case .blob(let bytes) = try value(column) else { throw SQLError.schema(column: column) }
        return bytes
    }

    /// The integer in `column`, or nil for null.
    package func optionalInteger(_ column: String) throws -> Int? {
        if case .null = try value(column) { return nil }
        return try integer(column)
    }

    /// The text in `column`, or nil for null.
    package func optionalText(_ column: String) throws -> String? {
        if case .null = try value(column) { return nil }
        return try text(column)
    }

    /// The bytes in `column`, or nil for null.
    package func optionalBlob(_ column: String) throws -> [UInt8]? {
        if case .null = try value(column) { return nil }
        return try blob(column)
    }
}
