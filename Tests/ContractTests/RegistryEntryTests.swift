import StrictJSON
import Testing

@testable import Contract

@Suite("Registry entries")
struct RegistryEntryTests {
    private static func document(_ change: String = "", settings: String = "", url: String = "https://mcp.example/mcp")
        -> String
    {
        """
        {"name":"com.example/files","description":"Files","version":"1.2.0",\(change)\
        "remotes":[{"type":"streamable-http","url":"\(url)"}],\
        "_meta":{"dev.doorward/entry":{"alias":"files",\(settings)"auth":{"type":"oauth","scopes":["read"]}}}}
        """
    }

    private func place(_ text: String) throws -> String? {
        let json = try JSONValue(parsing: Array(text.utf8))
        do {
            try RegistryEntry(json).refuseUnreachable()
            return nil
        } catch let error as ShapeError {
            return error.place
        }
    }

    @Test("An official entry with our settings is read")
    func good() throws {
        let entry = try RegistryEntry(try JSONValue(parsing: Array(Self.document().utf8)))
        #expect(entry.server.alias == "files")
        #expect(entry.server.name == "com.example/files")
        #expect(entry.server.authorization == .init(kind: .oauth, scopes: ["read"]))
        #expect(entry.server.timeoutSeconds == 300)
        #expect(!entry.server.allowsLoopback)
    }

    @Test("What agents are told has a canonical spelling and comes back as it was")
    func signed() throws {
        let limits = #""limits":[{"per":"user","rate":"60/min","burst":20,"concurrent":4}],"#
        let entry = try RegistryEntry(try JSONValue(parsing: Array(Self.document(settings: limits).utf8)))
        let document = EntriesDocument(
            agentID: AgentID.make(random: Array(0..<10)),
            entries: [entry.server]
        )
        let text = try SignedDocument.text(document.json, origin: "h/entries")
        let json = try #require(SignedDocument.json(text: text, origin: "h/entries"))
        #expect(try EntriesDocument(json) == document)
    }

    @Test("The port of a registered client's redirect address goes with the entry, and is one")
    func redirectPort() throws {
        func entry(_ port: String) throws -> RegistryEntry {
            let auth = #""auth":{"type":"oauth","client_id":"c","redirect_port":\#(port)}"#
            let text = Self.document().replacing(#""auth":{"type":"oauth","scopes":["read"]}"#, with: auth)
            return try RegistryEntry(try JSONValue(parsing: Array(text.utf8)))
        }
        let authorization = ServerEntry.Authorization(kind: .oauth, clientID: "c", redirectPort: 8765)
        let read = try entry("8765")
        #expect(read.server.authorization == authorization)
        #expect(read.server.json["auth"]?["redirect_port"]?.int == 8765)
        for bad in ["0", "65536", "\"8765\"", "-1"] { #expect(throws: ShapeError.self) { try entry(bad) } }
    }

    @Test("An entry that says nothing of credentials needs none, and one may name a public address")
    func short() throws {
        let text = Self.document(url: "https://8.8.8.8/mcp")
            .replacing(#","auth":{"type":"oauth","scopes":["read"]}"#, with: "")
            .replacing(#""alias":"files","auth":{"type":"oauth","scopes":["read"]}"#, with: #""alias":"files""#)
        let entry = try RegistryEntry(try JSONValue(parsing: Array(text.utf8)))
        #expect(entry.server.authorization == .init(kind: .none))
        #expect(entry.server.url == "https://8.8.8.8/mcp")
    }

    @Test("Only an entry that says so lets another user run its server, and one that does not looks as it always has")
    func foreignOwner() throws {
        let url = "http://127.0.0.1:9/mcp"
        for allows in [false, true] {
            let entry = try RegistryEntry(
                alias: "demo",
                url: url,
                authorization: .init(kind: .none),
                allowsLoopback: true,
                allowsForeignOwner: allows
            )
            #expect(entry.server.allowsForeignOwner == allows)
            #expect((entry.server.json["allow_foreign_owner"] != nil) == allows)
            let document = EntriesDocument(agentID: AgentID.make(random: Array(0..<10)), entries: [entry.server])
            #expect(try EntriesDocument(document.json) == document)
        }
        let refused = try place(Self.document(settings: #""allow_foreign_owner":true,"#))
        #expect(refused?.hasSuffix("/allow_foreign_owner") == true)
    }

    @Test("The entry that is made up is a good one")
    func madeUp() throws {
        let entry = try RegistryEntry(
            alias: "demo",
            url: "http://127.0.0.1:9/mcp",
            authorization: .init(kind: .none),
            allowsLoopback: true
        )
        #expect(try RegistryEntry(entry.json) == entry)
        #expect(entry.server.name == "local.doorward/demo")
    }

    @Test(
        "A bad entry is refused with the member",
        arguments: [
            (document(#""surprise":1,"#), "surprise"),
            (document(#""packages":[],"#), "packages"),
            (document(#""repository":{"url":"u","source":"s","x":"y"},"#), "repository/x"),
            (document(settings: #""surprise":1,"#), "_meta/dev.doorward/entry/surprise"),
            (document(settings: #""timeout_s":0,"#), "_meta/dev.doorward/entry/timeout_s"),
            (document(settings: #""limits":[{"per":"org","rate":"1/s"}],"#), "_meta/dev.doorward/entry/limits/0/per"),
            (document(settings: #""limits":[{"per":"user","rate":"1/d"}],"#), "_meta/dev.doorward/entry/limits/0/rate"),
            (
                document(settings: #""limits":[{"per":"user","rate":"1/s","server":"x"}],"#),
                "_meta/dev.doorward/entry/limits/0/server"
            ),
            (document(url: "http://mcp.example/mcp"), "remotes/0/url"),
            (document(url: "https://127.0.0.1/mcp"), "remotes/0/url"),
            (document(url: "https://user@mcp.example/mcp"), "remotes/0/url"),
            (document(url: "ftp://mcp.example/mcp"), "remotes/0/url"),
            (document(settings: #""allow_loopback":true,"#, url: "http://mcp.example/"), "remotes/0/url"),
            // No agent would call there, whatever a policy says.
            (document(url: "https://10.0.0.1/mcp"), "remotes/0/url"),
            (document(settings: #""allow_loopback":true,"#, url: "https://192.168.1.1/"), "remotes/0/url"),
            (document(url: "https://169.254.169.254/"), "remotes/0/url"),
            (document(url: "https://0.0.0.0/"), "remotes/0/url"),
            (document(url: "https://[fd00::1]/"), "remotes/0/url"),
            (document(settings: #""allow_loopback":true,"#, url: "https://[::ffff:127.0.0.1]/"), "remotes/0/url"),
        ]
    )
    func bad(text: String, member: String) throws {
        #expect(try place(text) == member)
    }

    @Test(
        "Addresses that two readers could take for different ones are refused",
        arguments: [
            "https://0x7f.1/", "https://2130706433/", "https://127.1/", "https://a..b/", "https://a b/",
            "https://a\\b/",
            "https://[::1/", "https://[::1]x/", "https://h:0/", "https://h:99999/", "https://h:+1/", "https:///x",
            "https://h/#f",
            "https://-h/", "https://h-/", "https:/h/", "httpss://h/", "https://h\u{e9}/", "https://1.2.3.4.5/",
            "https://01.2.3.4/",
        ]
    )
    func ambiguous(url: String) {
        #expect(throws: ServerURL.Unusable.self) { try ServerURL(url) }
    }

    @Test("The parts of a URL")
    func parts() throws {
        let url = try ServerURL("https://MCP.example:8443/a/b?c=d")
        #expect(url.host == "mcp.example")
        #expect(url.port == 8443)
        #expect(url.target == "/a/b?c=d")
        #expect(try ServerURL("http://[::1]:80").isLoopback)
        #expect(try ServerURL("HTTPS://h/").isSecure)
        #expect(try ServerURL("Http://localhost:80/x").target == "/x")
        #expect(try ServerURL("http://localhost?x").target == "/?x")
        #expect(try !ServerURL("https://127.example/").isLoopback)
    }
}
