public import FuzzerDriver
import MCP
import StrictJSON

@_cdecl("StrictJSONFuzzer_main")
public func fuzzerMain(_ count: CInt, _ arguments: FuzzerArguments?) -> CInt {
    fuzz(count, arguments) { fuzzStrictJSON($0, $1) }
}

/// Reads any bytes as a tree, as an envelope of either side, as a canonical document and as the definition of a tool.
///
/// Nothing may crash; whatever is accepted must be written and read back as the same; the readers must agree on what is
/// JSON at all.
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
        precondition((try? Envelope.scan(ofServer: bytes)) != nil, "a server may say less than a client")
    }
    if (try? Envelope.scan(ofServer: bytes)) != nil {
        let shown = try? JSONValue(lenientlyParsing: Array(bytes))
        precondition(shown != nil, "an answer that passes cannot be shown")
        precondition(shown.map { (try? JSONValue(lenientlyParsing: $0.bytes)) == $0 } ?? true, "nor shown as it is")
    }
    if let canonical = try? JSONValue(canonical: Array(bytes), limits: .message) {
        precondition((try? canonical.canonicalBytes()) == Array(bytes), "a canonical document with two spellings")
    }
    let definition = ToolDefinition(bytes)
    precondition(ToolDefinition(definition.text).text == definition.text, "a definition with two spellings")
    return 0
}
