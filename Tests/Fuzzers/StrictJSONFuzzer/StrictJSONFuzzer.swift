import MCP
import StrictJSON

/// Reads any bytes as a tree, as an envelope and as a canonical document.
///
/// Nothing may crash; whatever is accepted must be written and read back as the same; the three readers must agree on
/// what is JSON at all.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStrictJSON(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: data, count: count)
    let value = try? JSONValue(parsing: bytes)
    if let value {
        precondition((try? JSONValue(parsing: value.bytes)) == value, "what was written is not what was read")
    }
    let isValid = (try? JSONScanner.validate(bytes, limits: .message)) != nil
    precondition(isValid == (value != nil), "the validator and the tree disagree")
    if (try? Envelope.scan(bytes)) != nil {
        precondition(isValid, "an envelope of what is no document")
    }
    if let canonical = try? JSONValue(canonical: Array(bytes), limits: .message) {
        precondition((try? canonical.canonicalBytes()) == Array(bytes), "a canonical document with two spellings")
    }
    return 0
}
