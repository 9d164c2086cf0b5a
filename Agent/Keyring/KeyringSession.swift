internal import CLibSecret

/// One conversation with the keyring, on one thread.
struct KeyringSession {
    /// How the collection is that secrets go into.
    enum DefaultCollection: Sendable {
        case open(path: String)
        case locked(path: String)
        /// The collection does not exist yet, or its file is not open in the program that serves it.
        case missing
        case unknown(KeyringFailure)
    }

    /// What is said of a keyring that has nowhere to store anything.
    static let noCollection = "it has no default collection"
    static let servicePath = "/org/freedesktop/secrets"
    /// What is in there ends with the desktop session.
    static let fleeting = "/org/freedesktop/secrets/collection/session/"
    static let service = "org.freedesktop.Secret.Service"
    static let collection = "org.freedesktop.Secret.Collection"
    static let item = "org.freedesktop.Secret.Item"
    static let prompt = "org.freedesktop.Secret.Prompt"
    private static let properties = "org.freedesktop.DBus.Properties"
    /// The longest that a single call may take, also in a conversation that waits for a user.
    private static let callTime: Int32 = 8_000

    let link: KeyringLink
    let cancellable: UnsafeMutablePointer<GCancellable>

    var isCancelled: Bool { g_cancellable_is_cancelled(cancellable) != 0 }

    /// Calls a method of the keyring; an answer of another type is a failure.
    ///
    /// Called by its own name, so that a keyring that takes its place meanwhile gets nothing.
    func call(
        _ path: String,
        _ interface: String,
        _ method: String,
        _ arguments: BusValue,
        _ reply: String,
        milliseconds: Int32 = Self.callTime
    ) throws(KeyringFailure) -> BusValue {
        do throws(KeyringFailure) {
            return try ask(path, interface, method, arguments, reply, milliseconds: milliseconds)
        } catch {
            if error.kind == .lost { link.isStale = true }
            if error.kind == .other || error.kind == .lost { link.isDoubtful = true }
            throw error
        }
    }

    /// The same for what a keyring need not have: that it fails says nothing about the link.
    func ask(
        _ path: String,
        _ interface: String,
        _ method: String,
        _ arguments: BusValue,
        _ reply: String,
        milliseconds: Int32 = Self.callTime
    ) throws(KeyringFailure) -> BusValue {
        var error: UnsafeMutablePointer<GError>?
        let answer = withExtendedLifetime(arguments) {
            dw_call(
                link.connection,
                link.owner,
                path,
                interface,
                method,
                arguments.raw,
                reply,
                milliseconds,
                cancellable,
                &error
            )
        }
        if let failure = KeyringFailure(error) { throw failure }
        guard let value = BusValue(answer) else { throw KeyringFailure("it gives no answer") }
        return value
    }

    func property(_ path: String, _ interface: String, _ name: String, _ type: String) throws(KeyringFailure)
        -> BusValue
    {
        let reply = try call(path, Self.properties, "Get", .tuple(.text(interface), .text(name)), "(v)")
        let content = reply[0].content
        guard content.isOf(type) else { throw KeyringFailure("its \(name) is of another type") }
        return content
    }

    func allProperties(_ path: String, _ interface: String) throws(KeyringFailure) -> BusValue {
        try call(path, Self.properties, "GetAll", .tuple(.text(interface)), "(a{sv})")[0]
    }

    /// The state of the default collection: two properties, which make no keyring ask its user.
    func defaultCollection() -> DefaultCollection {
        do throws(KeyringFailure) {
            let path = try call(Self.servicePath, Self.service, "ReadAlias", .tuple(.text("default")), "(o)")[0].text
            guard path != "/" else { return .missing }
            let isLocked = try property(path, Self.collection, "Locked", "b").flag
            return isLocked ? .locked(path: path) : .open(path: path)
        } catch {
            return error.kind == .locked ? .locked(path: "/") : .unknown(error)
        }
    }

    // MARK: Secrets

    /// Reads the secret of an item.
    func secret(of item: String) throws(KeyringFailure) -> [UInt8] {
        let session = secret_service_get_session_dbus_path(link.service).map { String(cString: $0) }
        guard let session else { throw KeyringFailure("it has no session") }
        let reply = try call(item, Self.item, "GetSecret", .tuple(.path(session)), "((oayays))")
        let encoded = reply[0]
        // Encrypted, no secret is empty: KWallet answers so while a wallet is not open.
        guard encoded[2].count > 0 else { return [] }
        guard let value = secret_service_decode_dbus_secret(link.service, encoded.raw) else {
            // With KWallet the two ends of a session do not always come to the same key; another session will do.
            link.isStale = true
            link.isDoubtful = true
            throw KeyringFailure("its secret cannot be read", .lost)
        }
        defer { secret_value_unref(UnsafeMutableRawPointer(value)) }
        var length: gsize = 0
        guard let bytes = secret_value_get(value, &length) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
    }

    /// A secret in the form in which it crosses the bus, encrypted for the session.
    func encoded(_ secret: [UInt8]) throws(KeyringFailure) -> BusValue {
        let value = secret.withUnsafeBytes { bytes in
            secret_value_new(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                bytes.count,
                "application/octet-stream"
            )
        }
        defer { secret_value_unref(UnsafeMutableRawPointer(value)) }
        guard let encoded = BusValue(secret_service_encode_dbus_secret(link.service, value)) else {
            throw KeyringFailure("it has no session")
        }
        return encoded
    }
}
