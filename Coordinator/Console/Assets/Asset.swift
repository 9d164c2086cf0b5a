internal import TransparencyLog

/// A file that pages refer to, by a path that has the hash of what it holds: it can be kept for good.
package struct Asset: Sendable {
    /// Under `/assets/`.
    package let name: String
    package let mediaType: String
    package let bytes: [UInt8]

    /// Whether its path says which release it is of; the drawings that the stylesheet names do not.
    package let isImmutable: Bool

    /// Every asset by its name.
    package static let all: [String: Asset] = Dictionary(
        uniqueKeysWithValues: [stylesheet, script, icon, chevron].map { ($0.name, $0) }
    )

    static let stylesheet = Asset("console", "css", "text/css; charset=utf-8", Stylesheet.text)
    static let script = Asset("console", "js", "text/javascript; charset=utf-8", Script.text)
    static let icon = Asset("icon", "svg", "image/svg+xml", Icons.favicon)
    private static let chevron = Asset(fixed: "chevron.svg", "image/svg+xml", Icons.chevron)

    private init(_ name: String, _ suffix: String, _ mediaType: String, _ text: String) {
        bytes = Array(text.utf8)
        self.name = "\(name)-\(Hash.of(bytes).base64URL.prefix(10)).\(suffix)"
        self.mediaType = mediaType
        isImmutable = true
    }

    private init(fixed name: String, _ mediaType: String, _ text: String) {
        bytes = Array(text.utf8)
        self.name = name
        self.mediaType = mediaType
        isImmutable = false
    }
}

/// Where pages find the assets.
struct AssetPaths {
    let stylesheet = "/assets/\(Asset.stylesheet.name)"
    let script = "/assets/\(Asset.script.name)"
    let icon = "/assets/\(Asset.icon.name)"
}
