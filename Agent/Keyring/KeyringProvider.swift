/// Which program answers as the keyring: what its user can do, and how soon it keeps what it was given, depend on it.
package enum KeyringProvider: Sendable, Equatable {
    case gnomeKeyring, kwallet, keepassXC
    /// Another one, by the name of its program.
    case other(String)
    /// None has answered.
    case unknown

    /// By the name of its process, of which Linux keeps 15 bytes.
    init(program: String) {
        if program.hasPrefix("gnome-keyring") {
            self = .gnomeKeyring
        } else if program.hasPrefix("kwalletd") || program == "ksecretd" {
            self = .kwallet
        } else if program.hasPrefix("keepassxc") {
            self = .keepassXC
        } else {
            self = .other(String(decoding: program.utf8.filter { (0x21...0x7E).contains($0) }, as: UTF8.self))
        }
    }

    /// What people call it.
    package var name: String {
        switch self {
        case .gnomeKeyring: "gnome-keyring"
        case .kwallet: "KWallet"
        case .keepassXC: "KeePassXC"
        case .other(let program): program
        case .unknown: "the keyring"
        }
    }

    /// Known by a name that `name` gave.
    init(name: String) {
        let known = [KeyringProvider.gnomeKeyring, .kwallet, .keepassXC].first { $0.name == name }
        self = known ?? (name.isEmpty ? .unknown : .other(name))
    }

    /// For how long it may lose what it has acknowledged: KWallet writes five seconds later, also when it is told to end, and
    /// KeePassXC some tenths of a second.
    var settling: Duration {
        switch self {
        case .gnomeKeyring: .zero
        case .keepassXC: .seconds(1)
        case .kwallet, .other, .unknown: .seconds(6)
        }
    }

    /// Where its entries can be looked at.
    var viewer: String {
        switch self {
        case .gnomeKeyring: "Look at the entries of Doorward in Passwords and Keys (seahorse)."
        case .kwallet: "Look at the entries of Doorward in KWalletManager."
        case .keepassXC: "Look at the entries of Doorward in KeePassXC."
        case .other, .unknown: "Look at the entries of Doorward in your keyring's own program."
        }
    }

    /// What to do where it keeps nothing and answers nothing.
    var remedy: String {
        switch self {
        case .gnomeKeyring: "Start it again (gnome-keyring-daemon --replace --components=secrets), and try again."
        case .kwallet: "Open KWalletManager, make a wallet if there is none, and try again."
        case .keepassXC:
            "In KeePassXC open a database that has a group for the Secret Service (its database settings), and try again."
        case .other(let program): "Look at \(program), which answers as the keyring, and try again."
        case .unknown:
            "Start the keyring of this desktop (KWallet on KDE; KeePassXC with its Secret Service integration switched on; "
                + "else gnome-keyring-daemon --start --components=secrets), and try again."
        }
    }

    /// What to do where it was asked to open and has not.
    package var byHand: String {
        switch self {
        case .gnomeKeyring: "Open the keyring in Passwords and Keys (seahorse)."
        case .kwallet: "Open the wallet in KWalletManager."
        case .keepassXC: "Unlock the database in KeePassXC."
        case .other, .unknown: "Open the keyring in your desktop's own program."
        }
    }

    /// What to do where it is open and still asks for an entry.
    var opening: String {
        switch self {
        case .keepassXC:
            "In KeePassXC switch off the confirmation when clients retrieve entries (Settings, Secret Service Integration), "
                + "or let a running agent be asked: doorward unlock"
        case .gnomeKeyring, .kwallet, .other, .unknown: "doorward unlock"
        }
    }
}
