import Contract
import StrictJSON
import Testing

@testable import Registry

@Suite("An entry out of what a maker offers")
struct EntryMakerTests {
    private func document(_ more: String, meta: String = "") throws -> ServerDocument {
        let text =
            #"{"name":"io.github.acme/Weather_Tools","description":"d","version":"1.2.0",\#(more)"#
            + #","_meta":{"com.acme/notes":1\#(meta)}}"#
        return try ServerDocument(try JSONValue(parsing: Array(text.utf8)))
    }

    private func remotes(_ remote: String) throws -> ServerDocument { try document(#""remotes":[\#(remote)]"#) }

    private func package(_ change: String = "", type: String = "pypi", _ more: String = "") throws -> ServerDocument {
        try document(
            #""packages":[{"registryType":"\#(type)","identifier":"mcp-weather","version":"1.2.0",\#(change)"#
                + #""transport":{"type":"stdio"}\#(more)}]"#
        )
    }

    private func choice(_ change: (inout EntryChoice) -> Void = { _ in }) -> EntryChoice {
        var choice = EntryChoice()
        change(&choice)
        return choice
    }

    private func place(_ document: ServerDocument, _ choice: EntryChoice) -> String? {
        do {
            _ = try EntryMaker(document: document).entry(choice)
            return nil
        } catch {
            return (error as? ShapeError)?.place
        }
    }

    @Test("A remote becomes an entry that is called there, with an alias out of the name")
    func remote() throws {
        let document = try remotes(#"{"type":"sse","url":"https://mcp.example/sse","headers":[{"name":"X-A"}]}"#)
        let entry = try EntryMaker(document: document).entry(choice())
        #expect(entry.server.alias == "weather-tools")
        #expect(entry.server.transport == .sse(url: "https://mcp.example/sse"))
        #expect(entry.server.authorization.kind == .none)
        // What was published of it stays, and so does what others keep there.
        #expect(entry.json["_meta"]?["com.acme/notes"] == 1)
        #expect(entry.json["remotes"] == [["type": "sse", "url": "https://mcp.example/sse"]])
        let chosen = choice {
            $0.alias = "w"
            $0.settings = ["auth": ["type": "oauth"], "timeout_s": 20]
        }
        let other = try EntryMaker(document: document).entry(chosen)
        #expect((other.server.alias, other.server.timeoutSeconds) == ("w", 20))
        #expect(other.server.authorization.kind == .oauth)
    }

    @Test("Values are given for what is in braces, and no others")
    func values() throws {
        let document = try remotes(
            #"{"type":"streamable-http","url":"https://{tenant}.example/{path}/{other}","variables":"#
                + #"{"tenant":{"isRequired":true,"choices":["a","b"]},"path":{"default":"mcp"}}}"#
        )
        #expect(place(document, choice()) == "remotes/0/url/variables/tenant")
        #expect(place(document, choice { $0.values = ["tenant": "c"] }) == "remotes/0/url/variables/tenant")
        // What nobody has declared stays as it is, and braces are no part of a URL.
        #expect(place(document, choice { $0.values = ["tenant": "a"] }) == "remotes/0/url")
        let plain = try remotes(
            #"{"type":"streamable-http","url":"https://{tenant}.example/{path}","variables":"#
                + #"{"tenant":{"isRequired":true},"path":{"default":"mcp"}}}"#
        )
        let entry = try EntryMaker(document: plain).entry(choice { $0.values = ["tenant": "a"] })
        #expect(entry.server.url == "https://a.example/mcp")
        #expect(place(plain, choice { $0.values = ["tenant": "a", "odd": "x"] }) == "values/odd")
        // A value is no way to another host.
        #expect(place(plain, choice { $0.values = ["tenant": "10.0.0.1/?"] }) == "remotes/0/url")
    }

    @Test("A secret is in no URL and in no header of an entry")
    func secrets() throws {
        let header = try remotes(
            #"{"type":"sse","url":"https://mcp.example/","headers":[{"name":"X-Key","isRequired":true,"isSecret":true}]}"#
        )
        #expect(place(header, choice()) == "remotes/0/headers/0")
        let url = try remotes(
            #"{"type":"sse","url":"https://mcp.example/{key}","variables":{"key":{"isSecret":true}}}"#
        )
        #expect(place(url, choice { $0.values = ["key": "hunter2"] }) == "remotes/0/url/variables/key")
        let argument = try package(
            #""packageArguments":[{"type":"named","name":"--key","isSecret":true,"isRequired":true}],"#
        )
        let chosen = choice {
            $0.package = 0
            $0.command = "/opt/weather"
            $0.values = ["--key": "hunter2"]
        }
        #expect(place(argument, chosen) == "packages/0/packageArguments/0")
    }

    @Test("A package is an installed program, with the arguments and variables that it asks for")
    func installed() throws {
        let document = try package(
            #""runtimeArguments":[{"type":"named","name":"--with","value":"evil"}],"#,
            type: "oci",
            #","packageArguments":[{"type":"named","name":"--units","default":"metric"},"#
                + #"{"type":"positional","valueHint":"place","isRequired":true},{"type":"named","name":"--odd"}],"#
                + #""environmentVariables":[{"name":"KEY","isSecret":true,"isRequired":true},"#
                + #"{"name":"LEVEL","value":"{level}","variables":{"level":{"default":"info"}}}]"#
        )
        let chosen = choice {
            $0.package = 0
            $0.command = "/opt/weather/bin/mcp"
            $0.readable = ["/srv/maps"]
            $0.values = ["place": "Berlin"]
        }
        let command = try #require(try EntryMaker(document: document).entry(chosen).server.command)
        #expect(command.command == "/opt/weather/bin/mcp")
        #expect(command.arguments == ["--units", "metric", "Berlin"])
        #expect(command.environment == ["LEVEL=info"])
        #expect(command.secrets == ["KEY"])
        #expect(command.readable == ["/srv/maps"] && !command.hasNetwork)
        // What starts is what was signed off.
        #expect(command.approved == command.digest)
        #expect(place(document, choice { $0.package = 0 }) == "packages/0/registryType")
        #expect(place(document, choice()) == "packages")
        #expect(place(document, choice { $0.package = 7 }) == "package")
    }

    @Test("A package is downloaded by one version's name where an administrator says so, with the network")
    func downloaded() throws {
        func command(_ type: String) throws -> [String] {
            let chosen = choice {
                $0.package = 0
                $0.downloads = true
                $0.settings = ["network": true]
            }
            let command = try EntryMaker(document: try package(type: type)).entry(chosen).server.command
            return [command?.command ?? ""] + (command?.arguments ?? [])
        }
        #expect(try command("pypi") == ["uvx", "mcp-weather@1.2.0"])
        #expect(try command("npm") == ["npx", "--yes", "mcp-weather@1.2.0"])
        #expect(place(try package(), choice { $0.package = 0 }) == "packages/0")
        let offline = choice {
            $0.package = 0
            $0.downloads = true
        }
        #expect(place(try package(), offline) == "settings/network")
    }

    @Test(
        "Nothing is downloaded that could be something else tomorrow, or tells the downloader what to do",
        arguments: [
            (#""version":"1.2.0""#, #""version":"latest""#, "version"),
            (#""version":"1.2.0""#, #""version":"^1.2""#, "version"),
            (#","version":"1.2.0""#, "", "version"),
            (#""identifier":"mcp-weather""#, #""identifier":"--with=evil""#, "identifier"),
            (#""identifier":"mcp-weather""#, #""identifier":"git+https://evil.example/x""#, "identifier"),
            (#""identifier":"mcp-weather""#, #""identifier":"../x""#, "identifier"),
            (#""identifier""#, #""registryBaseUrl":"https://evil.example","identifier""#, "registryBaseUrl"),
            (#""identifier""#, #""runtimeHint":"bash","identifier""#, "runtimeHint"),
            (
                #""identifier""#,
                #""runtimeArguments":[{"type":"named","name":"--from","value":"x"}],"identifier""#,
                "runtimeArguments"
            ),
            (#""registryType":"pypi""#, #""registryType":"cargo""#, "registryType"),
            (#"{"type":"stdio"}"#, #"{"type":"streamable-http","url":"http://localhost:1/"}"#, "transport/type"),
        ]
    )
    func notDownloaded(old: String, new: String, member: String) throws {
        let text =
            #"{"name":"a/b","description":"d","version":"1","packages":[{"registryType":"pypi","#
            + #""identifier":"mcp-weather","version":"1.2.0","transport":{"type":"stdio"}}]}"#
        let changed = text.replacing(old, with: new)
        try #require(changed != text)
        let document = try ServerDocument(try JSONValue(parsing: Array(changed.utf8)))
        let chosen = choice {
            $0.package = 0
            $0.downloads = true
            $0.settings = ["network": true]
        }
        #expect(place(document, chosen) == "packages/0/\(member)")
        // The same is said where the ways are listed.
        #expect(ServerOffer.all(of: document)[0].problem != nil)
    }

    @Test("A later version is taken in the same way, with the same values and settings")
    func former() throws {
        let first = choice {
            $0.alias = "w"
            $0.remote = 1
            $0.values = ["tenant": "acme", "gone": "x"]
            $0.settings = ["timeout_s": 20, "auth": ["type": "oauth"]]
        }
        let stored = try ObjectReader.read(first.json, EntryChoice.init(members:))
        #expect(stored == first)
        let document = try remotes(
            #"{"type":"sse","url":"https://a.example/"},{"type":"sse","url":"https://{tenant}.example/","#
                + #""variables":{"tenant":{"isRequired":true}}}"#
        )
        let entry = try EntryMaker(document: document, former: stored).entry(choice { $0.settings = ["timeout_s": 30] })
        #expect(entry.server.url == "https://acme.example/")
        #expect((entry.server.alias, entry.server.timeoutSeconds) == ("w", 30))
        #expect(entry.server.authorization.kind == .oauth)
    }

    @Test(
        "The settings that a document brings are judged, whichever way is chosen",
        arguments: [#"{"alias":"A"}"#, #"{"alias":"a","surprise":1}"#, #"{"alias":"a","timeout_s":0}"#, "7"]
    )
    func judged(settings: String) throws {
        let document = try document(
            #""packages":[{"registryType":"oci","identifier":"x","transport":{"type":"stdio"}}]"#,
            meta: #","dev.doorward/entry":\#(settings)"#
        )
        #expect(throws: ShapeError.self) { try EntryMaker(document: document).judgeSettings() }
    }

    @Test("Nobody takes the made-up name of another alias")
    func borrowed() throws {
        let text =
            #"{"name":"local.doorward/git","description":"d","version":"1","remotes":"#
            + #"[{"type":"sse","url":"https://a.example/"}]}"#
        let document = try ServerDocument(try JSONValue(parsing: Array(text.utf8)))
        #expect(place(document, choice { $0.alias = "other" }) == "name")
        #expect(place(document, choice()) == nil)
    }

    @Test(
        "An alias is made of what a name ends with",
        arguments: [
            ("com.example/weather", "weather"), ("a/Big_Tool.v2", "big-tool-v2"), ("a/--x", "x"), ("a/---", nil),
            ("a/" + String(repeating: "y", count: 40), String(repeating: "y", count: 32)),
        ] as [(String, String?)]
    )
    func alias(name: String, alias: String?) {
        #expect(EntryMaker.alias(of: name) == alias)
    }
}
