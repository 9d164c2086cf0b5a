/// One value of a row or of a statement's arguments.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int)
    case text(String)
    case blob([UInt8])
    /// Many bytes that are written from where they lie; they are read as a `blob`.
    case stretch(ArraySlice<UInt8>)

    /// `text`, or null for nil.
    package static func text(_ text: String?) -> SQLValue {
        guard let text else { return .null }
        return .text(text)
    }

    /// `integer`, or null for nil.
    package static func integer(_ integer: Int?) -> SQLValue {
        guard let integer else { return .null }
        return .integer(integer)
    }
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByNilLiteral {
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(nilLiteral: ()) { self = .null }
}
