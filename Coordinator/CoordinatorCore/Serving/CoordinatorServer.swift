internal import API
internal import AuditSink
internal import Contract
internal import Database
internal import Errors
internal import Fetch
internal import Foundation
internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
internal import NIOCore
internal import People
package import ServiceKit
internal import SignIn
internal import ServiceLifecycle
internal import TransparencyLog
internal import UnixSignals

/// `doorward-coordinator serve`: everything put together, until it is asked to end.
package struct CoordinatorServer: Sendable {
    /// What was asked for.
    package struct Options: Sendable {
        package var data: String
        package var listen: String?
        package var isInsecure: Bool
        package var metricsListen: String?
        /// Sizes such as `512M`: what is to stay free on the disk, and what one machine may bring of records in a minute
        /// and in all.
        package var keepFree: String?
        package var uploadPace: String?
        package var uploadQuota: String?
        package var provider = ProviderOptions()

        package init(data: String, listen: String?, isInsecure: Bool, metricsListen: String?) {
            self.data = data
            self.listen = listen
            self.isInsecure = isInsecure
            self.metricsListen = metricsListen
        }
    }

    private let folder: DataFolder
    private let setup: Setup
    private let address: ListenAddress
    private let metricsAddress: ListenAddress?
    private let isInsecure: Bool
    private let storage: StorageLimits
    private let uploads: UploadLimits
    private let provider: ProviderSettings?
    private let clock: MachineClock
    private let logger: Logger
    private let metrics = MetricsRegistry()

    /// Reads the options and the contents of the folder.
    ///
    /// - Throws: a `CoordinatorError`: plain HTTP beyond this machine is `usage`, for example.
    package init(_ options: Options, clock: MachineClock = .system) throws {
        let listen = try options.listen.map { try ListenAddress($0, option: "--listen") }
        metricsAddress = try options.metricsListen.map { try ListenAddress($0, option: "--metrics-listen") }
        if let metricsAddress, !metricsAddress.isLoopback {
            throw CoordinatorError(
                .usage,
                "--metrics-listen asks nobody who he is, and so is for a loopback address only.",
                next: "Give --metrics-listen 127.0.0.1:PORT, or use /metrics with a token of the scope metrics."
            )
        }
        folder = DataFolder(options.data)
        if options.isInsecure, let listen { try Self.checkPlain(listen) }
        setup = try Setup.read(from: folder)
        address = listen ?? ListenAddress(setup.url)
        if options.isInsecure { try Self.checkPlain(address) }
        isInsecure = options.isInsecure
        let keepFree = try ByteSize.read(options.keepFree, option: "--keep-free", in: StorageLimits.range)
        storage = StorageLimits(folder: folder.path, keepFree: keepFree)
        let (pace, quota) = ("--upload-pace", "--upload-quota")
        uploads = UploadLimits(
            bytesPerMinute: try ByteSize.read(options.uploadPace, option: pace, in: UploadLimits.paces)
                ?? UploadLimits.usual.bytesPerMinute,
            storedBytes: try ByteSize.read(options.uploadQuota, option: quota, in: UploadLimits.quotas)
                ?? UploadLimits.usual.storedBytes
        )
        provider = try options.provider.settings()
        self.clock = clock
        logger = Logger(label: "coordinator")
    }

    private static func checkPlain(_ address: ListenAddress) throws {
        guard !address.isLoopback else { return }
        throw CoordinatorError(
            .usage,
            "--insecure-http is for a TLS proxy on this machine, and so for a loopback address only.",
            next: "Give --listen 127.0.0.1:PORT, or leave --insecure-http out."
        )
    }

    /// How many connections there may be: the rest of the files is for the database, its readers, logs and libraries, and
    /// each connection holds some memory, too.
    static func connections(files: Int) -> Int { min(max(files - 256, 64), 20_000) }

    /// Serves until the process is asked to end (SIGTERM, SIGINT) or something fails that it cannot do without.
    package func run() async throws {
        let lock = try folder.lock()
        defer { lock.release() }
        let files = OpenFileLimit.raise(atMost: 20_256)
        let ledger = ConnectionLedger(most: Self.connections(files: files), metrics: metrics)
        let server = try httpServer(ledger)
        let database = try SQLDatabase(path: folder.database, storage: storage)
        let changes = Signal()
        let key = try setup.key(in: folder)
        let revisions = Revisions(changes: changes)
        let domain = Domain(
            database: database,
            key: key,
            revisions: revisions,
            clock: clock,
            authority: try ServerCertificate.authority(setup, in: folder),
            folder: folder.path,
            uploads: uploads
        )
        // Before anything is signed: another key, or half of a backup, would begin a second history.
        try await database.read { [log = domain.log] view in try log.check(in: view) }
        try await SearchCompletion(database: database, logger: logger).run()
        try await domain.people.letGo(ofProvidersBut: provider?.issuer)
        let provider = provider.map { settings in
            Provider(
                settings,
                database: database,
                log: domain.log,
                people: domain.people,
                revisions: revisions,
                clock: clock,
                origin: setup.origin,
                seal: TokenSeal(secret: key.signing.seed),
                fetcher: Fetcher(),
                logger: logger
            )
        }
        do {
            try await serve(domain, provider, server: server, ledger: ledger, changes: changes)
        } catch {
            try? database.close()
            throw error
        }
        try database.close()
        logger.info("The coordinator has ended.")
    }

    private func serve(
        _ domain: Domain,
        _ provider: Provider?,
        server: HTTPServerBuilder,
        ledger: ConnectionLedger,
        changes: Signal
    ) async throws {
        let api = CoordinatorAPI(
            domain,
            metrics: metrics,
            clock: clock,
            door: BrowserDoor(origin: setup.origin, isBehindProxy: isInsecure),
            provider: provider,
            settings: ShownSettings.groups(
                provider: self.provider,
                storage: storage,
                uploads: uploads,
                isInsecure: isInsecure,
                listen: address.text()
            ),
            isStrictTransport: !isInsecure && !TLSHost(setup.url.host).isLoopback
        )
        var services: [any Service] = Housekeeping(domain: domain, metrics: metrics, logger: logger).services
        if let watch = provider?.watch {
            services.append(
                Periodic(name: "standing", interval: .seconds(5), logger: logger) { try await watch.look() }
            )
        }
        if let metricsAddress { services.append(metricsListener(metricsAddress)) }
        let main = application(api.responder, server: server)
        services.append(Listener(address: address, option: "--listen", ledger: ledger, server: main))
        services.append(LongPollShutdown(changes: changes, logger: logger))
        let configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        try await ServiceGroup(configuration: configuration).run()
    }

    private func application(_ responder: APIResponder, server: HTTPServerBuilder) -> some Service {
        Application(
            responder: responder,
            server: server,
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: address.port)),
            onServerRunning: { channel in
                logger.info(
                    "The coordinator is ready.",
                    metadata: [
                        "listen": "\(address.text(port: channel.localAddress?.port))", "url": "\(setup.shownURL)",
                        "tls": .stringConvertible(!isInsecure),
                    ]
                )
                ServiceNotification.ready()
            },
            logger: Self.quiet(Logger(label: "http"))
        )
    }

    private func metricsListener(_ address: ListenAddress) -> Listener {
        let ledger = ConnectionLedger(most: 64, metrics: MetricsRegistry())
        let server = Application(
            responder: MetricsResponder(metrics: metrics),
            server: .http1(configuration: Self.http1(ledger)),
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: address.port)),
            onServerRunning: { channel in
                logger.info(
                    "Metrics are ready.",
                    metadata: ["listen": "\(address.text(port: channel.localAddress?.port))"]
                )
            },
            logger: Self.quiet(Logger(label: "metrics"))
        )
        return Listener(address: address, option: "--metrics-listen", ledger: ledger, server: server)
    }

    private func httpServer(_ ledger: ConnectionLedger) throws -> HTTPServerBuilder {
        let plain = HTTPServerBuilder.http1(configuration: Self.http1(ledger))
        guard !isInsecure else { return plain }
        let now = Date(timeIntervalSince1970: Double(clock.wall()) / 1e6)
        let tls = try ServerCertificate.configuration(setup, in: folder, now: now, logger: logger)
        return try .tls(plain, tlsConfiguration: tls)
    }

    private static func http1(_ ledger: ConnectionLedger) -> HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionDeadlines(ledger: ledger), UnreadableRequests()],
            // For the TLS handshake, a head, the next request: a connection on which nothing moves.
            idleTimeout: .seconds(30),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10,
                maxHeaderListSize: 32 << 10,
                maxHeaderFieldCount: 100
            )
        )
    }

    /// The library says at `info` what is said here already.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        if logger.logLevel == .info { logger.logLevel = .notice }
        return logger
    }
}
