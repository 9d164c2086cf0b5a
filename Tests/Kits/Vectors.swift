internal import Foundation
package import StrictJSON

/// Data under `Tests/Vectors`, made by programs that share no code with ours.
package enum Vectors {
    /// The bytes of the file at a path below it.
    package static func bytes(_ path: String) throws -> [UInt8] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: tests.appending(path: "Vectors/\(path)")))
    }

    /// The values of a file of one a line.
    package static func lines(_ path: String) throws -> [JSONValue] {
        try bytes(path).split(separator: UInt8(ascii: "\n")).map { try JSONValue(parsing: Array($0)) }
    }

    /// The bytes that hex digits stand for.
    package static func hex(_ text: String?) throws -> [UInt8] {
        struct NotHex: Error {}
        guard let digits = text.map({ Array($0.utf8) }), digits.count.isMultiple(of: 2) else { throw NotHex() }
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                throw NotHex()
            }
            return byte
        }
    }
}
