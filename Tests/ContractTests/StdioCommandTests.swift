import StrictJSON
import Testing

@testable import Contract

@Suite("Entries of programs")
struct StdioCommandTests {
    private static let plain = #"{"command":"/usr/bin/server","args":["-v",""],"env":["TZ","A=b=c"],"secrets":["KEY"]}"#

    private func entry(_ stdio: String, _ more: String = "") throws -> RegistryEntry {
        let text = """
            {"name":"com.example/files","description":"Files","version":"1.2.0",\
            "_meta":{"dev.doorward/entry":{"alias":"files"\(more),"stdio":\(stdio)}}}
            """
        return try RegistryEntry(try JSONValue(parsing: Array(text.utf8)))
    }

    @Test("A program is read, and agents are told all of it")
    func good() throws {
        let entry = try entry(Self.plain, #","network":true"#)
        let command = try #require(entry.server.command)
        #expect(command.command == "/usr/bin/server")
        #expect(command.arguments == ["-v", ""])
        #expect(command.hasNetwork)
        #expect(entry.server.url == nil)
        let document = EntriesDocument(agentID: AgentID.make(random: Array(0..<10)), entries: [entry.server])
        #expect(try EntriesDocument(document.json) == document)
    }

    @Test("What an administrator adds is approved as it stands, and a change of any part is not")
    func approved() throws {
        let command = StdioCommand(command: "server", arguments: ["a"], environment: ["TZ"])
        let entry = try RegistryEntry(alias: "files", command: command)
        let approved = try #require(entry.server.command)
        #expect(approved.isApproved)
        #expect(approved.approved == command.digest)
        try entry.refuseUnreachable()
        let digest = command.digest
        for other in [
            StdioCommand(command: "serves", arguments: ["a"], environment: ["TZ"], approved: digest),
            StdioCommand(command: "server", arguments: ["b"], environment: ["TZ"], approved: digest),
            StdioCommand(command: "server", arguments: ["a"], environment: ["TZ=x"], approved: digest),
            StdioCommand(command: "server", arguments: ["a"], environment: [], secrets: ["TZ"], approved: digest),
            StdioCommand(command: "server", arguments: ["a"], environment: ["TZ"], hasNetwork: true, approved: digest),
            StdioCommand(command: "server", arguments: ["a"], environment: ["TZ"], readable: ["/x"], approved: digest),
            StdioCommand(command: "server", arguments: ["a"], environment: ["TZ"], writable: ["/x"], approved: digest),
            StdioCommand(command: "server", arguments: [], environment: ["a", "TZ"], approved: digest),
        ] {
            #expect(!other.isApproved)
        }
        let swapped = try JSONValue(
            parsing: Array(
                String(decoding: entry.json.bytes, as: UTF8.self).replacing(#""args":["a"]"#, with: #""args":["b"]"#)
                    .utf8
            )
        )
        // It stays readable, so that it keeps no other server from anybody; it is not added, and not started.
        let read = try RegistryEntry(swapped)
        #expect(read.server.command?.isApproved == false)
        #expect(throws: ShapeError.self) { try read.refuseUnreachable() }
    }

    @Test(
        "A bad program is refused with the member",
        arguments: [
            (#"{}"#, "", "stdio/command"),
            (#"{"command":"server","shell":true}"#, "", "stdio/shell"),
            (#"{"command":""}"#, "", "stdio/command"),
            (#"{"command":"-x"}"#, "", "stdio/command"),
            (#"{"command":"bin/server"}"#, "", "stdio/command"),
            (#"{"command":"/usr/../bin/server"}"#, "", "stdio/command"),
            (#"{"command":"s","args":"-v"}"#, "", "stdio/args"),
            (#"{"command":"s","args":[1]}"#, "", "stdio/args/0"),
            (#"{"command":"s","args":["a\u0000b"]}"#, "", "stdio/args/0"),
            (#"{"command":"s","env":["1A"]}"#, "", "stdio/env/0"),
            (#"{"command":"s","env":["=x"]}"#, "", "stdio/env/0"),
            (#"{"command":"s","env":["A B"]}"#, "", "stdio/env/0"),
            (#"{"command":"s","env":["A","A=1"]}"#, "", "stdio/env"),
            (#"{"command":"s","env":["A"],"secrets":["A"]}"#, "", "stdio/secrets"),
            (#"{"command":"s","secrets":["A=1"]}"#, "", "stdio/secrets/0"),
            (#"{"command":"s","read":["notes"]}"#, "", "stdio/read/0"),
            (#"{"command":"s","read":["/"]}"#, "", "stdio/read/0"),
            (#"{"command":"s","read":["~/../x"]}"#, "", "stdio/read/0"),
            (#"{"command":"s","read":["/proc/1"]}"#, "", "stdio/read/0"),
            (#"{"command":"s","write":["/dev"]}"#, "", "stdio/write/0"),
            (#"{"command":"s","write":["/x"],"read":["/x/y"]}"#, "", "stdio/read"),
            (#"{"command":"s"}"#, #","allow_loopback":true"#, "stdio"),
            (#"{"command":"s"}"#, #","auth":{"type":"oauth"}"#, "stdio"),
        ]
    )
    func bad(stdio: String, more: String, member: String) throws {
        let error = #expect(throws: ShapeError.self) { try entry(stdio, more) }
        #expect(error?.place == "_meta/dev.doorward/entry/\(member)")
    }

    @Test("A program stands beside no remote, and the network is about programs alone")
    func apart() throws {
        let remote = #""remotes":[{"type":"streamable-http","url":"https://a.example/"}],"#
        func place(_ text: String) -> String? {
            let error = #expect(throws: ShapeError.self) { try RegistryEntry(try JSONValue(parsing: Array(text.utf8))) }
            return error?.place
        }
        let begin = #"{"name":"com.example/files","description":"Files","version":"1.2.0","#
        #expect(
            place(begin + remote + #""_meta":{"dev.doorward/entry":{"alias":"f","stdio":{"command":"s"}}}}"#)
                == "_meta/dev.doorward/entry/stdio"
        )
        #expect(
            place(begin + remote + #""_meta":{"dev.doorward/entry":{"alias":"f","network":true}}}"#)
                == "_meta/dev.doorward/entry/network"
        )
        #expect(place(begin + #""_meta":{"dev.doorward/entry":{"alias":"f"}}}"#) == "remotes")
    }
}
