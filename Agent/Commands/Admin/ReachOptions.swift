import ArgumentParser
internal import StrictJSON

/// The options of `doorward admin servers add` for servers within the organisation.
struct ReachOptions: ParsableArguments {
    @Option(
        name: .customLong("ca"),
        help: "A PEM file: the authorities that the server's certificate is verified by, and no others."
    )
    var authoritiesFile: String?

    @Flag(name: .long, help: "The server, and where it signs people in, may be on private networks.")
    var allowPrivate = false

    var isEmpty: Bool { authoritiesFile == nil && !allowPrivate }

    /// The settings of the entry that these are.
    ///
    /// - Throws: `CommandFailure` where there is no such file.
    func settings() throws -> JSONObject {
        var settings = JSONObject()
        if allowPrivate { settings["allow_private"] = true }
        if let authoritiesFile {
            let bytes = try InputFile.read(
                authoritiesFile,
                longest: 64 << 10,
                naming: "doorward admin servers add --help"
            )
            settings["ca"] = .string(JSONText(utf8: bytes))
        }
        return settings
    }
}
