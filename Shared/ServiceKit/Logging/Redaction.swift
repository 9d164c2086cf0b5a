/// The last line of defence of a log: what should never have been handed to it is taken out.
///
/// Secrets are kept from logs where they are handled; this catches a library's debug line and a careless interpolation.
package enum Redaction {
    /// What replaces a secret.
    package static let mark = "[redacted]"

    /// Names of values that are secrets whatever they look like.
    private static let secretNames = [
        "authorization", "cookie", "password", "passphrase", "secret", "token", "signature", "private_key",
        "privatekey",
        "credential", "verifier",
    ]
    /// How credentials begin: this product's own, HTTP's, JSON Web Tokens, PEM.
    private static let beginnings = [
        "bearer ", "basic ", "dwi1.", "dwc1_", "dwt1_", "eyj", "-----begin ", "access_token=", "refresh_token=",
        "client_secret=", "code_verifier=",
    ].map { Array($0.utf8) }
    /// Shorter ones are words (`Bearer token required`).
    private static let shortestSecret = 12

    /// Whether a value of this name is not to be shown.
    package static func isSecret(name: String) -> Bool {
        let name = name.lowercased()
        return secretNames.contains { name.hasSuffix($0) || name.hasPrefix("\($0).") }
    }

    /// The text with everything taken out that looks like a credential.
    package static func redacted(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        var index = 0
        var isChanged = false
        while index < bytes.count {
            guard let length = secretLength(bytes[index...], isStart: index == 0 || !isWord(bytes[index - 1])) else {
                output.append(bytes[index])
                index += 1
                continue
            }
            output += Array(mark.utf8)
            index += length
            isChanged = true
        }
        return isChanged ? String(decoding: output, as: UTF8.self) : text
    }

    private static func secretLength(_ bytes: ArraySlice<UInt8>, isStart: Bool) -> Int? {
        guard isStart, let first = bytes.first, isWord(first) || first == UInt8(ascii: "-") else { return nil }
        for beginning in beginnings where bytes.count >= beginning.count {
            guard zip(bytes, beginning).allSatisfy({ lower($0) == $1 }) else { continue }
            let rest = bytes.dropFirst(beginning.count)
            // A PEM block goes to its end. A log need not find that end, so the mark covers the rest of the text.
            if first == UInt8(ascii: "-") { return bytes.count }
            let length = rest.prefix { isToken($0) }.count
            if length >= shortestSecret { return beginning.count + length }
        }
        return nil
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// The characters of RFC 6750's tokens, and of percent encoding.
    private static func isToken(_ byte: UInt8) -> Bool {
        isWord(byte) || "-._~+/=%".utf8.contains(byte)
    }
}
