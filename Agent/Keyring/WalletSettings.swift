internal import Glibc

/// What the user of KWallet has set: whether it asks before a program uses a wallet that is open.
enum WalletSettings {
    private static let longest = 64 << 10

    /// Whether a window may come for a program that opens a wallet; read from where KDE keeps it.
    static var asksForPrograms: Bool {
        folders.contains { asks(text(of: "\($0)/kwalletrc")) }
    }

    /// Whether settings in the form of KDE say so.
    static func asks(_ text: String) -> Bool {
        var group = ""
        for line in text.split(separator: "\n") {
            if line.hasPrefix("[") {
                group = String(line)
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            guard parts.count == 2 else { continue }
            // A key may have marks behind its name, such as `[$i]`.
            let key = parts[0].prefix { $0 != "[" }.trimmed
            if group == "[Wallet]", key == "Prompt on Open", parts[1] != "false" { return true }
        }
        return false
    }

    private static var folders: [String] {
        let home = variable("HOME").map { "\($0)/.config" }
        let own = variable("XDG_CONFIG_HOME") ?? home
        let shared = variable("XDG_CONFIG_DIRS") ?? "/etc/xdg"
        return (own.map { [$0] } ?? []) + shared.split(separator: ":").map(String.init)
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: longest)
        let count = read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while let last = text.last, " \r\t".contains(last) { text.removeLast() }
        return text
    }
}
