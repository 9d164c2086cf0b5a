package import Contract

/// What a browser is answered.
package struct PageAnswer: Sendable {
    /// What comes back.
    package enum Content: Sendable {
        case html(String)
        /// Another page of the console, to be looked at next.
        case redirect(String)
        /// A file to keep.
        case file(name: String, mediaType: String, bytes: [UInt8])
    }

    package let content: Content
    /// Why what was asked was not done; its status is that of the answer.
    package let refused: Refused?

    private init(_ content: Content, refused: Refused? = nil) {
        self.content = content
        self.refused = refused
    }

    /// The page of a template; of a form that was refused with what was wrong.
    static func page(_ page: Any, in shell: Shell, as template: String, refused: Refused? = nil) -> PageAnswer {
        PageAnswer(.html(Templates.shared.render(page, in: shell, as: template) ?? ""), refused: refused)
    }

    /// A page of sections.
    static func page(_ view: SectionsView, in shell: Shell, refused: Refused? = nil) -> PageAnswer {
        page(view, in: shell, as: "sections", refused: refused)
    }

    /// A page that asks before something is done.
    static func confirm(_ view: ConfirmView, in shell: Shell, refused: Refused? = nil) -> PageAnswer {
        page(view, in: shell, as: "confirm", refused: refused)
    }

    /// Another page, once something was done, with what it should say about it.
    static func redirect(to path: String, done: String? = nil) -> PageAnswer {
        let mark = path.contains("?") ? "&" : "?"
        return PageAnswer(.redirect(done.map { "\(path)\(mark)done=\($0)" } ?? path))
    }

    /// A file to keep.
    static func file(_ name: String, _ mediaType: String, _ bytes: [UInt8]) -> PageAnswer {
        PageAnswer(.file(name: name, mediaType: mediaType, bytes: bytes))
    }
}
