internal import HTTPTypes

/// What lets web pages of any origin read an answer (Fetch standard, CORS protocol).
///
/// No page gets more than what it could ask for itself: nothing allows it to send the cookie of a session along.
enum CrossOrigin {
    static func open(_ headers: inout HTTPFields) {
        headers[.accessControlAllowOrigin] = "*"
        headers[.accessControlAllowMethods] = "GET, OPTIONS"
        headers[.accessControlAllowHeaders] = "Authorization, Content-Type"
        headers[.accessControlMaxAge] = "86400"
        headers[.crossOriginResourcePolicy] = "cross-origin"
    }
}
