import Addresses
import NIOCore

/// A connection in the making: the server's name is looked up, its addresses are judged and then tried one after the other,
/// and whose program answers is asked where that matters.
///
/// It ends at its deadline, and at once when nobody waits for it any more; every file that it has opened is closed then.
final class ConnectAttempt {
    private let deadline: NIODeadline
    private let server: UpstreamServer
    /// Where it is to be one of HTTP/2.
    let sessions: HTTP2Sessions?
    /// Told once of its end, unless it was abandoned.
    private var told: ((Result<any Channel, UpstreamError>) -> Void)?
    private var target: ConnectTarget?
    private var addresses: ArraySlice<SocketAddress> = []
    /// Those that are being opened.
    private var openings: [(channel: any Channel, connection: any ServerConnection)] = []
    private var pending = 0
    private var timer: Scheduled<Void>?
    /// When the next address is tried, beside those that have not answered yet.
    private var next: Scheduled<Void>?
    /// Why it will fail, if it does.
    private var trouble: UpstreamError?
    private var retries = 0
    private(set) var isOver = false

    /// A head start for each address (RFC 8305 section 5).
    private static let headStart = TimeAmount.milliseconds(250)
    /// A name may have any number of addresses, and each that is tried is a file.
    private static let mostAddresses = 6
    private static let mostRetries = 3

    init(
        at server: UpstreamServer,
        over sessions: HTTP2Sessions? = nil,
        deadline: NIODeadline,
        told: @escaping (Result<any Channel, UpstreamError>) -> Void
    ) {
        self.server = server
        self.sessions = sessions
        self.deadline = deadline
        self.told = told
    }

    private var pool: UpstreamPool { server.pool }

    /// Begins; may be over before this returns.
    func begin() {
        timer = pool.loop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.finish(.failure(self.isLookingUp ? .silentName : .connectTimeout))
        }
        do {
            let target = try pool.connector.target(of: server.endpoint)
            self.target = target
            if let address = target.address {
                addresses = [address]
                tryNext()
            } else {
                pool.names.find(target.host, for: self)
            }
        } catch {
            finish(.failure(UpstreamError(transport: error, otherwise: .connect)))
        }
    }

    /// Nobody waits for it any more.
    func abandon() {
        guard !isOver else { return }
        end()
    }

    // MARK: Names

    private var isLookingUp: Bool { addresses.isEmpty && openings.isEmpty && pending == 0 }

    /// The end of a look-up.
    ///
    /// The addresses that are judged here are the ones that are connected to, so a name that leads elsewhere a moment
    /// later gains nothing.
    func found(_ answer: NameDesk.Answer) {
        guard !isOver, let target else { return }
        switch answer {
        case .failure(let error): finish(.failure(error))
        case .success(let found):
            let admitted = found.filter { address in IPAddress(address).map(target.rule.admits) ?? false }
            guard !admitted.isEmpty else {
                finish(.failure(found.isEmpty ? .unknownName : .refusedName))
                return
            }
            addresses =
                admitted.prefix(Self.mostAddresses).map { address in
                    var address = address
                    address.port = target.port
                    return address
                }[...]
            tryNext()
        }
    }

    // MARK: Addresses

    private func tryNext() {
        next?.cancel()
        next = nil
        guard !isOver, let target else { return }
        guard let address = addresses.popFirst() else {
            if pending == 0 { finish(.failure(trouble ?? .unknownName)) }
            return
        }
        guard pool.makeRoom(for: server) else {
            trouble = .noRoom
            if pending == 0 { finish(.failure(.noRoom)) }
            return
        }
        pending += 1
        if !addresses.isEmpty {
            next = pool.loop.assumeIsolated().scheduleTask(in: Self.headStart) { self.tryNext() }
        }
        pool.connector.connect(to: address, of: target, for: self)
            .assumeIsolated()
            .whenComplete { self.ended($0, address) }
    }

    /// A channel was made for it, and has its file.
    func opened(_ channel: any Channel) throws -> any ServerConnection {
        let connection: any ServerConnection =
            sessions.map { HTTP2Connection(sessions: $0) } ?? UpstreamConnection(server: server)
        server.opened()
        channel.closeFuture.assumeIsolated().whenComplete { _ in connection.fileClosed() }
        // Thrown into the making of the channel, this closes it.
        guard !isOver else { throw UpstreamError.closed }
        openings.append((channel, connection))
        return connection
    }

    private func ended(_ result: Result<any Channel, any Error>, _ address: SocketAddress) {
        pending -= 1
        switch result {
        case .success(let channel):
            // In this very moment the connection has come about and no handler knows of it: not a byte has left.
            if isOver { return channel.close(promise: nil) }
            if let target, target.rule != .any, let error = pool.connector.owner.refusal(of: channel, by: target.rule) {
                trouble = error
                channel.close(promise: nil)
                return tryNext()
            }
            openings.removeAll { $0.channel === channel }
            finish(.success(channel))
        case .failure(let error):
            guard !isOver else { return }
            let error = UpstreamError(transport: error, otherwise: .connect)
            if error.code == .noRoom, retries < Self.mostRetries, pool.closeOldest() {
                retries += 1
                addresses.insert(address, at: addresses.startIndex)
            } else if trouble == nil || trouble?.code == .connect {
                trouble = error
            }
            tryNext()
        }
    }

    // MARK: The end

    private func finish(_ result: Result<any Channel, UpstreamError>) {
        guard !isOver, let told else { return }
        end()
        told(result)
    }

    private func end() {
        isOver = true
        told = nil
        timer?.cancel()
        timer = nil
        next?.cancel()
        next = nil
        if let target, target.address == nil { pool.names.leave(target.host, self) }
        let openings = openings
        self.openings = []
        for opening in openings {
            // TLS has not begun on any of them, so this closes the file at once.
            opening.channel.close(promise: nil)
            opening.connection.fileClosed()
        }
    }
}

extension IPAddress {
    /// The address in a socket address; nil for another family.
    init?(_ address: SocketAddress) {
        guard let found = address.withSockAddr({ pointer, _ in IPAddress(pointer) }) else { return nil }
        self = found
    }
}
