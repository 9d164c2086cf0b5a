public import FuzzerDriver
import MCP
import StrictJSON

@_cdecl("HeaderFuzzer_main")
public func fuzzerMain(_ count: CInt, _ arguments: FuzzerArguments?) -> CInt {
    fuzz(count, arguments) { fuzzHeaders($0, $1) }
}

/// Takes any bytes for the name of a tool and for the value of a header that repeats it, and for a schema with arguments.
///
/// Every text has a header, which is one line of printable ASCII and is read as that text and no other; headers made from
/// arguments agree with these.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHeaders(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let half = bytes.count / 2
    let blanks: [UInt8] = [0x20, 0x09]
    // A value comes without the white space around it.
    let trimmed = bytes[half...].drop(while: blanks.contains).reversed().drop(while: blanks.contains).reversed()
    let (name, header) = (Array(bytes[..<half]), Array(trimmed))
    let text = String(decoding: name, as: UTF8.self)
    let encoded = Array(MCPHeaders.encoded(text).utf8)
    precondition(encoded.allSatisfy { (0x20...0x7E).contains($0) }, "a header that is no line")
    precondition(agrees(Array(text.utf8), encoded) != false, "a header that is not read as what it was made of")
    if agrees(Array(text.utf8), header) == true, header != encoded {
        // Another spelling of the same text: in base64 though it need not be, or nothing for no text.
        precondition(header.starts(with: "=?base64?".utf8) || text.isEmpty, "two texts for one header")
    }
    fuzzParameters(name, header)
    return 0
}

/// Whether a modern call of a tool agrees with the header that repeats its name; nil for a name that no call can have.
private func agrees(_ name: [UInt8], _ header: [UInt8]) -> Bool? {
    var body = Array(#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"#.utf8)
    body += Array(#""io.modelcontextprotocol/protocolVersion":"2026-07-28"},"name":"#.utf8)
    JSONWriting.string(name, to: &body)
    body += Array("}}".utf8)
    return body.withUnsafeBufferPointer { body in
        guard let envelope = try? Envelope.scan(body) else { return nil }
        return Array("2026-07-28".utf8).withUnsafeBufferPointer { version in
            Array("tools/call".utf8).withUnsafeBufferPointer { method in
                header.withUnsafeBufferPointer { header in
                    MCPHeaders(protocolVersion: version, method: method, name: header)
                        .mismatch(with: envelope, in: body) == nil
                }
            }
        }
    }
}

private func fuzzParameters(_ schema: [UInt8], _ arguments: [UInt8]) {
    guard let schema = try? JSONValue(parsing: schema), let parameters = try? HeaderParameters(schema: schema),
        let arguments = try? JSONValue(parsing: arguments)
    else { return }
    guard let headers = parameters.headers(for: arguments) else { return }
    for header in headers {
        precondition(header.value.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "a parameter that is no line")
    }
    let given = Dictionary(headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
    precondition(parameters.agree(with: arguments, given: given), "headers that disagree with their own arguments")
}
