internal import Mustache

/// All templates, read once.
///
/// A page is a model and the name of a template. Whatever a model holds is escaped: no template says otherwise, which a
/// test looks for, so that a name which a stranger has chosen can never be markup.
struct Templates: Sendable {
    private let library: MustacheLibrary

    /// Every template by its name.
    static let sources: [String: String] = [
        LayoutTemplates.all, Icons.all, ChartTemplates.all, ComponentTemplates.all, OverviewTemplates.all,
        PolicyTemplates.all, AuditTemplates.all,
        ["entry-page": EntryPage.template],
    ].reduce(into: [:]) { all, some in all.merge(some) { first, _ in first } }

    static let shared = Templates()

    private init() {
        var library = MustacheLibrary()
        for (name, source) in Self.sources {
            // A template that cannot be read is an error of the program, and a test reads each.
            try? library.register(source, named: name)
        }
        self.library = library
    }

    /// The page's HTML; nil if no template has this name.
    func render(_ page: Any, in shell: Shell, as template: String) -> String? {
        library.render(RenderedPage(shell: shell, page: page), withTemplate: template)
    }
}

/// What a template sees: `shell` and `page`.
private struct RenderedPage {
    let shell: Shell
    let page: Any
}
