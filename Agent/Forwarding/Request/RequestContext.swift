internal import AuditLog
internal import Wire

/// Who sent a request, and where it goes.
struct RequestContext {
    var route = Route.nowhere
    var method = RequestMethod.other
    var client = Gate.local
    /// The client's number where clients are counted.
    var clientNumber = Gate.localNumber
    var how = ClientProof.local
    /// The origin of the page that asks, where the settings let it in.
    var origin: [UInt8]?
    /// The headers that its browser wants to send, where it asks first (Fetch, "CORS-preflight request").
    var preflight: [UInt8]?
    /// Whether the connection ends after it.
    var closes = false
}
