internal import Synchronization

/// What KWallet does only for those who speak its own language, beside that of the Secret Service.
///
/// The Secret Service of KWallet calls a wallet locked that was opened with the sign-in to the desktop. It stays so until a
/// program asks for it, which shows no window. KWallet writes what it has acknowledged five seconds later, unless it is told
/// to write at once.
extension KeyringSession {
    private static let wallet = "org.kde.KWallet"
    private static let modules = ["/modules/kwalletd5", "/modules/kwalletd6"]
    private static let application = "doorward"
    /// For questions that are answered from memory.
    private static let quickTime: Int32 = 2_000

    /// Opens a collection that is called locked although its wallet is open: the user is not asked for that.
    ///
    /// An attempt that fails is not repeated before the wallet was closed and opened: a window that was not expected
    /// must not come back.
    ///
    /// - Parameter path: of the collection.
    /// - Returns: whether it is open now.
    func opensQuietly(_ path: String) -> Bool {
        guard link.provider == .kwallet else { return false }
        guard openWallet(path) != nil else {
            link.quietly.isTried = false
            return false
        }
        guard !link.quietly.isTried, !WalletSettings.asksForPrograms else { return false }
        link.quietly.isTried = true
        try? unlock([path]) { isOpen(path) }
        guard isOpen(path) else { return false }
        link.quietly.isTried = false
        return true
    }

    /// Has the wallet of a collection written to the disk, if the user is not asked for that; whether it was.
    func flush(_ path: String) -> Bool {
        guard link.provider == .kwallet, let wallet = openWallet(path) else { return false }
        guard !WalletSettings.asksForPrograms else { return false }
        do throws(KeyringFailure) {
            let named = BusValue.tuple(.text(wallet.name), .long(0), .text(Self.application))
            let handle = try ask(wallet.module, Self.wallet, "open", named, "(i)", milliseconds: Self.quickTime)[0]
                .short
            guard handle >= 0 else { return false }
            let opened = BusValue.tuple(.short(handle), .text(Self.application))
            _ = try ask(wallet.module, Self.wallet, "sync", opened, "()", milliseconds: Self.quickTime)
            let closed = BusValue.tuple(.short(handle), .flag(false), .text(Self.application))
            // Its handle ends with this connection at the latest.
            _ = try? ask(wallet.module, Self.wallet, "close", closed, "(i)", milliseconds: Self.quickTime)
            return true
        } catch {
            return false
        }
    }

    private func isOpen(_ path: String) -> Bool {
        if case .open(path) = defaultCollection() { true } else { false }
    }

    /// The wallet behind a collection, if it is open, and the object that speaks for it.
    private func openWallet(_ path: String) -> (module: String, name: String)? {
        guard let label = try? property(path, Self.collection, "Label", "s") else { return nil }
        for module in Self.modules {
            let name = BusValue.tuple(.text(label.text))
            let reply = try? ask(module, Self.wallet, "isOpen", name, "(b)", milliseconds: Self.quickTime)
            if let reply { return reply[0].flag ? (module, label.text) : nil }
        }
        return nil
    }
}

/// Whether a keyring has been asked to open without a window, and has not: one keyring's, by its own name on the bus.
final class QuietOpening: Sendable {
    let owner: String
    private let tried = Atomic(false)

    init(_ owner: String) {
        self.owner = owner
    }

    var isTried: Bool {
        get { tried.load(ordering: .relaxed) }
        set { tried.store(newValue, ordering: .relaxed) }
    }
}
