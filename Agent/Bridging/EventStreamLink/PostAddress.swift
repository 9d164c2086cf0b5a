internal import Fetch
internal import Upstreams

/// Where a server of 2024-11-05 wants messages posted to, as it says at the beginning of its event stream.
enum PostAddress {
    /// Path and query of the address.
    ///
    /// - Parameters:
    ///   - reference: an absolute URL, or one relative to the stream's (RFC 3986 section 4.2).
    ///   - stream: the URL of the stream.
    /// - Returns: nil for what is no URL, and for one of another origin: there the credential does not belong.
    static func target(_ reference: [UInt8], from stream: WebURL) -> String? {
        let text = String(decoding: reference, as: UTF8.self)
        guard !text.isEmpty, let url = WebURL(absolute(text, from: stream)), url.origin == stream.origin else {
            return nil
        }
        return (url.path.isEmpty ? "/" : url.path) + (url.query.map { "?\($0)" } ?? "")
    }

    private static func absolute(_ text: String, from stream: WebURL) -> String {
        if text.hasPrefix("//") { return "\(stream.scheme):\(text)" }
        if text.hasPrefix("/") { return stream.origin + text }
        if text.hasPrefix("?") { return stream.origin + stream.path + text }
        // A scheme ends before any slash; a path that has a colon has it behind one.
        if let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/"), !text[..<colon].contains("?") {
            return text
        }
        let folder = stream.path.lastIndex(of: "/").map { stream.path[...$0] } ?? "/"
        return stream.origin + folder + text
    }
}
