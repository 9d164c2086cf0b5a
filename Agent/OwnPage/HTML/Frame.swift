/// What every page has around its content.
struct Frame {
    /// The pages that the bar leads to.
    enum Place: String, CaseIterable {
        case servers = "/"
        case calls = "/calls"
        case machine = "/machine"

        var name: String {
            switch self {
            case .servers: "Servers"
            case .calls: "Calls"
            case .machine: "This machine"
            }
        }
    }

    let place: Place
    let heading: String
    /// Beside the heading.
    var aside: HTML?
    /// What each form of the page sends along.
    let token: String
    /// Seconds until the page is loaded again; for what is under way.
    var refresh: Int?
    var notes: [HTML] = []

    func page(_ content: HTML) -> HTML {
        let links: [HTML] = Place.allCases.map { each in
            let current: HTML = each == place ? " aria-current=\"page\"" : ""
            return "<a href=\"\(each.rawValue)\"\(current)>\(each.name)</a>"
        }
        return Self.document(
            heading,
            refresh: refresh,
            style: Self.linked,
            """
            <a class="skip" href="#content">Skip to the content</a>
            <header class="bar">
            <a class="brand" href="/">Doorward</a>
            <nav aria-label="Pages">\(links)</nav>
            <form method="post" action="/close"><input type="hidden" name="token" value="\(token)">\
            <button class="button">Close this page</button></form>
            </header>
            <main id="content">
            <div class="head"><h1>\(heading)</h1>\(aside)</div>
            \(notes)
            \(content)
            </main>
            """
        )
    }

    /// A page for who has not opened it by the command, and others with one thing to say.
    static func entry(_ heading: String, _ content: HTML) -> HTML {
        document(
            heading,
            refresh: nil,
            style: inside,
            """
            <main class="entry" id="content"><div class="card"><span class="brand">Doorward</span>
            <h1>\(heading)</h1>
            \(content)
            </div></main>
            """
        )
    }

    static func note(_ tone: String, _ message: String, next: String? = nil) -> HTML {
        // A command begins with a small letter, and advice with a capital one.
        let command: HTML? = next.map {
            $0.first?.isLowercase ?? false ? "<p>Next: <code>\($0)</code></p>" : "<p>\($0)</p>"
        }
        return
            "<div class=\"note \(tone)\" role=\"\(tone == "bad" ? "alert" : "status")\"><strong>\(message)</strong>\(command)</div>"
    }

    /// Who has the page open gets the style as a file; nobody else gets anything beside the one page.
    private static let linked: HTML = """
        <link rel="icon" href="/page.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/page.css">
        """
    private static let inside: HTML = "<style>\(HTML(trusted: Look.style))</style>"

    private static func document(_ title: String, refresh: Int?, style: HTML, _ body: HTML) -> HTML {
        let again: HTML? = refresh.map { "<meta http-equiv=\"refresh\" content=\"\($0)\">" }
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title) \u{2013} Doorward</title>
            \(again)
            \(style)
            </head>
            <body>
            \(body)
            </body>
            </html>

            """
    }
}
