import ArgumentParser
import CoordinatorCore
import ServiceKit
import StrictJSON

/// The server that an organisation shares: registry, people, policy, audit log.
struct DoorwardCoordinator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doorward-coordinator",
        abstract: "Keeps the registry, the people, the policy and the audit log of an organisation.",
        version: CoordinatorInit.release,
        subcommands: [Init.self, Serve.self, SignInLink.self, RestartLog.self, InviteOwner.self]
    )

    /// `doorward-coordinator init`.
    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Make a coordinator in a folder of its own, and its owner's one-time token."
        )

        @Option(name: .long, help: "The folder, which is made; one that holds anything is refused.")
        var data: String

        @Option(name: .long, help: "Where people and machines will reach it: https://HOST:PORT.")
        var url: String

        @Option(name: .long, help: "The owner's e-mail address; owner@HOST without it.")
        var owner: String?

        @Option(name: .long, help: "A certificate chain (PEM) to serve, instead of one by a local CA.")
        var tlsCert: String?

        @Option(name: .long, help: "The key of --tls-cert (PEM).")
        var tlsKey: String?

        @Flag(name: .long, help: "Print exactly one JSON object on standard output.")
        var json = false

        func run() async throws {
            let made = try await CoordinatorInit(
                .init(data: data, url: url, owner: owner, certificate: tlsCert, key: tlsKey)
            ).run()
            guard !json else { return Console.answer(made.json.bytes) }
            for line in made.words { Console.answer(line) }
        }
    }

    /// `doorward-coordinator serve`.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve",
            abstract: "Serve a coordinator until SIGTERM."
        )

        @Option(name: .long, help: "The folder that `init` made.")
        var data: String

        @Option(name: .long, help: "Where to listen; the host and port of the coordinator's URL without it.")
        var listen: String?

        @Flag(name: .long, help: "Serve plain HTTP, on a loopback address: for a TLS proxy on this machine.")
        var insecureHttp = false

        @Option(name: .long, help: "Also give /metrics without a credential, at this loopback address.")
        var metricsListen: String?

        @Option(
            name: .long,
            help: "Free space below which no records are taken, such as 2G; a twentieth of the disk without it."
        )
        var keepFree: String?

        @Option(name: .long, help: "What one machine may upload in a minute; 64M without it.")
        var uploadPace: String?

        @Option(name: .long, help: "What is stored of one machine; 20G without it.")
        var uploadQuota: String?

        @OptionGroup(title: "Identity provider (OpenID Connect)")
        var provider: ProviderArguments

        @Flag(name: .long, help: "Tell a failure as a JSON object on standard output as well.")
        var json = false

        func run() async throws {
            var options = CoordinatorServer.Options(
                data: data,
                listen: listen,
                isInsecure: insecureHttp,
                metricsListen: metricsListen
            )
            options.keepFree = keepFree
            options.uploadPace = uploadPace
            options.uploadQuota = uploadQuota
            options.provider = provider.options
            try await CoordinatorServer(options).run()
        }
    }
}
