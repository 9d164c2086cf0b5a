import Foundation
import Kits
import StrictJSON
import Testing

/// Everything that the strict reader accepts, another parser must accept too and read the same.
///
/// Documents are made at random and then damaged at random: most of them are refused, and those that are not are the
/// interesting ones.
@Suite("Beside another parser")
struct DifferentialTests {
    @Test("Whatever is accepted reads the same elsewhere", arguments: 0..<8)
    func agreement(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var accepted = 0
        for _ in 0..<4_000 {
            var bytes = RandomDocument.make(&random)
            for _ in 0..<Int.random(in: 0...2, using: &random) { RandomDocument.damage(&bytes, &random) }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            accepted += 1
            let other = try #require(try? JSONSerialization.jsonObject(with: Data(bytes)), "refused: \(value.json)")
            #expect(Self.isSame(value, other), "\(String(decoding: bytes, as: UTF8.self))")
            // What we write is read back as the same, by us and by the other.
            #expect(try JSONValue(parsing: value.bytes) == value)
            #expect(Self.isSame(value, try JSONSerialization.jsonObject(with: Data(value.bytes))))
        }
        #expect(accepted > 500)
    }

    private static func isSame(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours {
        case .null: theirs is NSNull
        case .bool(let value): (theirs as? NSNumber).map { $0.boolValue == value } ?? false
        case .number(let value): (theirs as? NSNumber).map { isNear($0.doubleValue, value.double) } ?? false
        case .string(let value): (theirs as? String).map { $0.utf8.elementsEqual(value.utf8) } ?? false
        case .array(let values):
            (theirs as? [Any]).map { $0.count == values.count && zip(values, $0).allSatisfy(isSame) } ?? false
        case .object(let object): isSame(object, theirs)
        }
    }

    /// Foundation rounds integers of more than 19 digits through a decimal of its own, one or two units off.
    private static func isNear(_ left: Double, _ right: Double) -> Bool {
        abs(left - right) <= 2 * max(left.ulp, right.ulp)
    }

    private static func isSame(_ ours: JSONObject, _ theirs: Any) -> Bool {
        guard let theirs = theirs as? [String: Any] else { return false }
        // A dictionary of Swift holds canonically equivalent names as one, so it may have fewer.
        let distinct = Set(ours.names.map(\.string))
        guard theirs.count == distinct.count else { return false }
        guard distinct.count == ours.count else { return true }
        return ours.members.allSatisfy { member in theirs[member.name.string].map { isSame(member.value, $0) } ?? false
        }
    }
}

/// Documents with everything in them that readers stumble over.
enum RandomDocument {
    private static let strings = [
        "", "a", "b", "method", "é", "e\u{301}", "😀", #"\n"#, #"\u0041"#, #"\ud83d\ude00"#, #"\\"#, #"\/"#, "\u{2028}",
        #"\u0000"#, "name",
    ]
    private static let numbers = [
        "0", "-0", "1", "-1", "1.0", "1e2", "1E-2", "9007199254740993", "12345678901234567890", "0.1", "-2.5e+3",
        "1e308", "5e-324",
    ]

    static func make(_ random: inout SeededRandom) -> [UInt8] {
        Array(object(&random, depth: 0).utf8)
    }

    static func damage(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.remove(at: index)
        case 1: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: index)
        case 2: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        default: bytes.insert(contentsOf: [UInt8(ascii: " "), UInt8(ascii: "\t")], at: index)
        }
    }

    private static func object(_ random: inout SeededRandom, depth: Int) -> String {
        let members = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            "\"\(strings.randomElement(using: &random) ?? "")\(Int.random(in: 0...9, using: &random))\":"
                + value(&random, depth: depth + 1)
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func value(_ random: inout SeededRandom, depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &random) {
        case 0: "null"
        case 1: Bool.random(using: &random) ? "true" : "false"
        case 2, 3: numbers.randomElement(using: &random) ?? "0"
        case 4: "\"\(strings.randomElement(using: &random) ?? "")\""
        case 5: object(&random, depth: depth)
        default:
            "[\((0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth + 1) }.joined(separator: ","))]"
        }
    }
}
