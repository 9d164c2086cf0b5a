import Bytes
import MCP
import StrictJSON
import Testing

@Suite("Headers that repeat the body")
struct MCPHeadersTests {
    private func mismatch(_ body: String, _ version: String?, _ method: String?, _ name: String?) throws -> MCPHeaders
        .Mismatch?
    {
        let message = try Scanned(body)
        func lend<Result>(_ text: String?, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
            guard let text else { return body(nil) }
            return Array(text.utf8).withUnsafeBufferPointer { body($0) }
        }
        return lend(version) { version in
            lend(method) { method in
                lend(name) { name in
                    let headers = MCPHeaders(protocolVersion: version, method: method, name: name)
                    return message.bytes.withUnsafeBufferPointer { headers.mismatch(with: message.envelope, in: $0) }
                }
            }
        }
    }

    private func call(_ tool: String) -> String {
        #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\#(tool)","_meta":"#
            + #"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
    }

    @Test("A modern request with right headers passes")
    func right() throws {
        #expect(try mismatch(call("get"), "2026-07-28", "tools/call", "get") == nil)
        #expect(try mismatch(call("g\\u0065t"), "2026-07-28", "tools/call", "get") == nil)
        #expect(try mismatch(call("gét"), "2026-07-28", "tools/call", "=?base64?Z8OpdA==?=") == nil)
        #expect(
            try mismatch(
                call("=?base64?Z8OpdA==?="),
                "2026-07-28",
                "tools/call",
                "=?base64?PT9iYXNlNjQ/WjhPcGRBPT0/PQ==?="
            ) == nil
        )
    }

    @Test(
        "A modern request with a header that is missing, wrong or wrongly encoded is refused",
        arguments: [
            (nil, "tools/call", "get", MCPHeaders.Mismatch.protocolVersion),
            ("2025-11-25", "tools/call", "get", .protocolVersion),
            ("2026-07-28", nil, "get", .method),
            ("2026-07-28", "tools/list", "get", .method),
            ("2026-07-28", "Tools/call", "get", .method),
            ("2026-07-28", "tools/call", nil, .name),
            ("2026-07-28", "tools/call", "set", .name),
            ("2026-07-28", "tools/call", "Get", .name),
            ("2026-07-28", "tools/call", "", .name),
            ("2026-07-28", "tools/call", "=?base64?Z2V0?", .name),
            ("2026-07-28", "tools/call", "=?BASE64?Z2V0?=", .name),
            ("2026-07-28", "tools/call", "=?base64?Z2V?=", .name),
            ("2026-07-28", "tools/call", "=?base64?Z2V0=?=", .name),
            ("2026-07-28", "tools/call", "=?base64?Z2 0?=", .name),
        ] as [(String?, String?, String?, MCPHeaders.Mismatch)]
    )
    func wrong(version: String?, method: String?, name: String?, expected: MCPHeaders.Mismatch) throws {
        #expect(try mismatch(call("get"), version, method, name) == expected)
    }

    @Test("Base64 has one spelling for each text")
    func base64() throws {
        // "Zw==" is "g"; "Zx==" decodes to it as well if the bits that belong to no byte are not looked at.
        #expect(try mismatch(call("g"), "2026-07-28", "tools/call", "=?base64?Zw==?=") == nil)
        #expect(try mismatch(call("g"), "2026-07-28", "tools/call", "=?base64?Zx==?=") == .name)
        #expect(try mismatch(call("gg"), "2026-07-28", "tools/call", "=?base64?Z2c=?=") == nil)
        #expect(try mismatch(call("gg"), "2026-07-28", "tools/call", "=?base64?Z2d=?=") == .name)
        #expect(try mismatch(call("gé"), "2026-07-28", "tools/call", "gé") == .name)
    }

    @Test("A handshake request needs none of them, and one that is there must be right")
    func handshake() throws {
        let body = #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get"}}"#
        #expect(try mismatch(body, nil, nil, nil) == nil)
        #expect(try mismatch(body, "2025-11-25", nil, nil) == nil)
        #expect(try mismatch(body, "2026-07-28", nil, nil) == .protocolVersion)
        #expect(try mismatch(body, nil, "tools/list", nil) == .method)
        #expect(try mismatch(body, nil, "tools/call", "other") == .name)
        #expect(try mismatch(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, nil, "ping", "x") == .name)
    }
}
