internal import StrictJSON

/// The refusal of an authorization server (RFC 6749, 4.1.2.1 and 5.2; RFC 7591, 3.2.2): its code, and its own
/// description where that can be shown.
///
/// Equal by the code alone: the description is for people.
struct OAuthRefusal: Sendable, Equatable {
    /// a-z, 0-9 and _, at most 64 of them: a record may contain it, since it holds nothing of a stranger's own.
    let code: String
    private let description: String?

    /// The longest description that is shown whole.
    private static let longest = 200

    /// A refusal as it came; nil if the code is not a valid one.
    ///
    /// - Parameters:
    ///   - code: the member `error`.
    ///   - description: the member `error_description`.
    ///   - secrets: what was sent: a description that repeats it is not shown.
    init?(code: String?, description: String? = nil, withholding secrets: [String] = []) {
        guard let code, (1...64).contains(code.utf8.count), code.utf8.allSatisfy(Self.isOfCode) else { return nil }
        self.code = code
        self.description = description.flatMap { Self.shown($0, withholding: secrets) }
    }

    /// The same from the body of an answer.
    init?(_ body: [UInt8], withholding secrets: [String] = []) {
        guard let json = try? JSONValue(parsing: body) else { return nil }
        self.init(
            code: json["error"]?.text,
            description: json["error_description"]?.text,
            withholding: secrets
        )
    }

    /// `invalid_grant: "Token was revoked."`, or the code alone.
    var words: String { description.map { "\(code): \"\($0)\"" } ?? code }

    static func == (left: OAuthRefusal, right: OAuthRefusal) -> Bool { left.code == right.code }

    /// One line of printable ASCII, as RFC 6749 has it; its quotation marks could end ours.
    private static func shown(_ text: String, withholding secrets: [String]) -> String? {
        guard !text.isEmpty, text.utf8.count <= 4096, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }),
            !secrets.contains(where: { !$0.isEmpty && text.contains($0) })
        else { return nil }
        let plain = text.map { $0 == "\"" || $0 == "\\" ? "'" : $0 }
        return plain.count <= longest ? String(plain) : "\(String(plain.prefix(longest)))..."
    }

    private static func isOfCode(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension OAuthRefusal: ExpressibleByStringLiteral {
    init(stringLiteral code: String) {
        self.code = code
        description = nil
    }
}
