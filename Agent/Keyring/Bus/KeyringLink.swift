internal import CLibSecret
internal import Glibc
internal import Synchronization

/// A connection to the session bus, with a session of the keyring that answers there.
///
/// It is kept as long as both live: some keyrings remember for a connection what their user has allowed it.
///
/// Unchecked: the pointers never change; GIO's connection and libsecret's session are made for every thread, and `context`
/// is looked after by one thread at a time, by GLib's own rule.
final class KeyringLink: @unchecked Sendable {
    /// The name under which keyrings answer.
    static let name = "org.freedesktop.secrets"
    private static let bus = "org.freedesktop.DBus"

    let connection: OpaquePointer
    let service: UnsafeMutablePointer<CLibSecret.SecretService>
    /// The name of the keyring's own connection, which no other one will ever have.
    let owner: String
    let provider: KeyringProvider
    /// What this very keyring was asked without being told to by its user.
    let quietly: QuietOpening
    private let context: OpaquePointer
    private let doubt = Atomic(false)
    private let flushed = Atomic(false)
    private let stale = Atomic(false)

    /// Opens one; a keyring that does not run is started where the bus can.
    ///
    /// - Parameters:
    ///   - cancellable: ends the wait.
    ///   - last: of the link before, which counts on if the same keyring answers.
    /// - Throws: why there is no bus, or no keyring on it.
    init(
        _ cancellable: UnsafeMutablePointer<GCancellable>,
        after last: QuietOpening? = nil
    ) throws(KeyringFailure) {
        var error: UnsafeMutablePointer<GError>?
        guard let connection = dw_connect(cancellable, &error) else {
            throw KeyringFailure(error) ?? KeyringFailure("there is no session bus")
        }
        guard let context = g_main_context_new() else { fatalError("out of memory") }
        var opened = dw_open(connection, context, cancellable, &error)
        var failure = KeyringFailure(error)
        // KWallet refuses some of the keys that libsecret makes for a session; the next one is another.
        for _ in 0..<2 where opened == nil && failure?.kind != .silent {
            guard Self.owner(connection, cancellable) != nil else { break }
            error = nil
            opened = dw_open(connection, context, cancellable, &error)
            failure = KeyringFailure(error)
        }
        guard let service = opened else {
            g_main_context_unref(context)
            dw_disconnect(connection)
            throw failure ?? KeyringFailure("there is no keyring")
        }
        guard let owner = Self.owner(connection, cancellable) else {
            Self.end(connection, service, context)
            throw KeyringFailure("there is no keyring")
        }
        self.connection = connection
        self.service = service
        self.context = context
        self.owner = owner
        quietly = last?.owner == owner ? last ?? QuietOpening(owner) : QuietOpening(owner)
        provider = Self.provider(connection, owner, cancellable)
    }

    deinit { Self.end(connection, service, context) }

    /// Whether the keyring that it was opened to still answers to the name.
    func isAlive(_ cancellable: UnsafeMutablePointer<GCancellable>) -> Bool {
        guard g_dbus_connection_is_closed(connection) == 0 else { return false }
        return Self.owner(connection, cancellable) == owner
    }

    /// Whether something went wrong on it that nobody has locked.
    var isDoubtful: Bool {
        get { doubt.load(ordering: .relaxed) }
        set { doubt.store(newValue, ordering: .relaxed) }
    }

    /// Whether the keyring has forgotten the session, or what it had found.
    var isStale: Bool {
        get { stale.load(ordering: .relaxed) }
        set { stale.store(newValue, ordering: .relaxed) }
    }

    /// Whether what was written last is on the disk by more than the keyring's word.
    var isFlushed: Bool {
        get { flushed.load(ordering: .relaxed) }
        set { flushed.store(newValue, ordering: .relaxed) }
    }

    /// Lets go of the signals that came meanwhile; nothing is done about them.
    func drain() { Self.drain(context) }

    private static func drain(_ context: OpaquePointer) {
        while g_main_context_iteration(context, 0) != 0 {}
    }

    private static func end(
        _ connection: OpaquePointer,
        _ service: UnsafeMutablePointer<CLibSecret.SecretService>,
        _ context: OpaquePointer
    ) {
        dw_unref(service)
        // GIO has left it to the context to free what the session's subscriptions held.
        drain(context)
        g_main_context_unref(context)
        dw_disconnect(connection)
    }

    private static func owner(
        _ connection: OpaquePointer,
        _ cancellable: UnsafeMutablePointer<GCancellable>
    ) -> String? {
        ask(connection, "GetNameOwner", name, "(s)", cancellable)?[0].text
    }

    private static func provider(
        _ connection: OpaquePointer,
        _ owner: String,
        _ cancellable: UnsafeMutablePointer<GCancellable>
    ) -> KeyringProvider {
        guard let reply = ask(connection, "GetConnectionUnixProcessID", owner, "(u)", cancellable) else {
            return .unknown
        }
        let file = open("/proc/\(g_variant_get_uint32(reply[0].raw))/comm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return .unknown }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count > 0 else { return .unknown }
        return KeyringProvider(program: String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }

    private static func ask(
        _ connection: OpaquePointer,
        _ method: String,
        _ name: String,
        _ reply: String,
        _ cancellable: UnsafeMutablePointer<GCancellable>
    ) -> BusValue? {
        var error: UnsafeMutablePointer<GError>?
        let arguments = BusValue.tuple(.text(name))
        let answer = withExtendedLifetime(arguments) {
            dw_call(
                connection,
                bus,
                "/org/freedesktop/DBus",
                bus,
                method,
                arguments.raw,
                reply,
                -1,
                cancellable,
                &error
            )
        }
        if let error { g_error_free(error) }
        return BusValue(answer)
    }
}
