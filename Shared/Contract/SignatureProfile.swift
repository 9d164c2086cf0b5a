/// The one form of RFC 9421 that agents and the coordinator speak.
///
/// Fixed components in a fixed order, all six parameters, at most 60 seconds of life. A general reader of HTTP
/// signatures has dozens of choices and each is a way to disagree. This form has no choices, so both sides build the
/// same bytes.
enum SignatureProfile {
    static let label = "doorward"
    static let algorithm = "ed25519"
    static let tag = "doorward-agent-1"
    /// The most seconds between `created` and `expires`.
    static let longestLife = 60
    /// How far `created` may lie in the future.
    static let skew = 60
    /// How long after now a signature that is accepted now could be accepted again, at most.
    static let nonceLife = 120

    static let components = #"("@method" "@path" "@query" "content-digest" "doorward-audience")"#

    /// The bytes that are signed.
    static func base(
        method: String,
        path: String,
        query: String,
        digest: String,
        audience: String,
        parameters: String
    ) -> [UInt8] {
        let lines = [
            "\"@method\": \(method)",
            "\"@path\": \(path)",
            // RFC 9421 section 2.2.7: the question mark belongs to it, also when there is no query.
            "\"@query\": ?\(query)",
            "\"content-digest\": \(digest)",
            "\"doorward-audience\": \(audience)",
            "\"@signature-params\": \(parameters)",
        ]
        return Array(lines.joined(separator: "\n").utf8)
    }
}
