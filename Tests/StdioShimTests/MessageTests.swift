import Foundation
import MCP
import NIOCore
import StrictJSON
import Testing

@testable import StdioShim

@Suite("Messages between a client's lines and the agent")
struct MessageTests {
    private func client(_ text: String) -> ClientMessage { ClientMessage(Array(text.utf8)) }

    @Test("The era is each message's own")
    func era() {
        let old = client(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        #expect(!old.isModern && old.isRequest && old.isRepeatable)
        let new = client(
            #"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x","arguments":{"a":1},"#
                + #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
        )
        #expect(new.isModern && new.version == "2026-07-28" && !new.isRepeatable)
        #expect(new.item == "x" && new.arguments == ["a": 1])
        #expect(new.idLiteral == Array(#""a""#.utf8))
    }

    @Test("What is no message is sent on as it is, with whatever id it has")
    func malformed() {
        let message = client(#"{"jsonrpc":"2.0","id":7,"method":"tools/list","extra":1}"#)
        #expect(message.kind == nil && message.isRequest && !message.isRepeatable)
        #expect(message.idLiteral == Array("7".utf8))
        #expect(client("no").idLiteral == nil)
    }

    @Test("The head of a modern request says what its body says")
    func head() throws {
        let configuration = ShimConfiguration(socketPath: "/s", target: "/servers/a/mcp", server: "a", client: "ed")
        let message = client(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Grüße","arguments":{},"#
                + #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#
        )
        let head = try #require(
            AgentHead(configuration).post(
                message,
                AgentHead.Session(id: Array("s".utf8)),
                parameters: [HeaderParameter(name: "Region", value: "eu")]
            )
        )
        let lines = String(buffer: head).components(separatedBy: "\r\n")
        #expect(lines.first == "POST /servers/a/mcp HTTP/1.1")
        for line in [
            "Host: localhost", "Doorward-Client: ed", "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call",
            "Mcp-Name: =?base64?R3LDvMOfZQ==?=", "Mcp-Param-Region: eu",
        ] { #expect(lines.contains(line)) }
        // The session belongs to the other era.
        #expect(!lines.contains { $0.hasPrefix("Mcp-Session-Id") })
    }

    @Test("A version that could end its line goes nowhere")
    func injection() {
        let configuration = ShimConfiguration(socketPath: "/s", target: "/mcp", server: "a", client: nil)
        let message = client(
            #"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"#
                + #""_meta":{"io.modelcontextprotocol/protocolVersion":"1\r\nAuthorization: x"}}}"#
        )
        #expect(AgentHead(configuration).post(message, AgentHead.Session(), parameters: []) == nil)
    }

    @Test("An answer is recognised by its id, and a refusal without one is given it")
    func answers() throws {
        let refusal = try #require(
            AgentMessage(Array(#"{"jsonrpc":"2.0","id":null,"error":{"code":-31001,"message":"no"}}"#.utf8))
        )
        #expect(refusal.answers(.int(7)))
        #expect(
            String(decoding: refusal.bytes(id: Array("7".utf8)), as: UTF8.self)
                == #"{"jsonrpc":"2.0","id":7,"error":{"code":-31001,"message":"no"}}"#
        )
        let other = try #require(AgentMessage(Array(#"{"jsonrpc":"2.0","id":8,"result":{}}"#.utf8)))
        #expect(!other.answers(.int(7)) && other.answers(.int(8)))
        #expect(AgentMessage(Array("half".utf8)) == nil)
    }

    @Test("Whatever is written to the client is one line")
    func oneLine() throws {
        var ends: (Int32, Int32) = (0, 0)
        let status = withUnsafeMutableBytes(of: &ends) { $0.withMemoryRebound(to: Int32.self) { pipe($0.baseAddress) } }
        try #require(status == 0)
        #expect(LineWriter(file: ends.1).write(Array("{\r\n\"a\":\n1}".utf8)))
        var read = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(ends.0, &read, read.count)
        #expect(String(decoding: read.prefix(count), as: UTF8.self) == "{  \"a\": 1}\n")
        close(ends.0)
        signal(SIGPIPE, SIG_IGN)
        #expect(!LineWriter(file: ends.1).write([0x7B, 0x7D]))
        close(ends.1)
    }
}
