internal import Errors

/// Why an upstream registry could not be read; safe to show.
struct UpstreamFailure: ExplainedError {
    let code = "upstream_failed"
    let message: String
    let next: String?

    init(_ message: String, next: String? = nil) {
        self.message = message
        self.next = next
    }
}
