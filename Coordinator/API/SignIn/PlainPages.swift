/// The pages of the way in as HTML that needs nothing else: no script, no picture, one small stylesheet.
enum PlainPages {
    /// The whole document.
    static func html(_ page: SignInPage) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(HTML.escaped(page.title)) · Doorward</title>
        <link rel="stylesheet" href="\(stylesheetPath)">
        </head>
        <body>
        <main>
        <p class="brand">Doorward</p>
        <h1>\(HTML.escaped(page.title))</h1>
        \(content(page))
        </main>
        </body>
        </html>

        """
    }

    static let stylesheetPath = "/sign-in/style.css"

    static let stylesheet = """
        :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
        main { max-width: 34rem; margin: 12vh auto 0; padding: 0 1.25rem; overflow-wrap: anywhere; }
        .brand { margin: 0; font-weight: 600; opacity: 0.7; }
        h1 { margin: 0.25rem 0 1rem; font-size: 1.6rem; line-height: 1.25; }
        button { font: inherit; padding: 0.6rem 1.2rem; cursor: pointer; }
        code { font-size: 0.95em; }

        """

    private static func content(_ page: SignInPage) -> String {
        switch page {
        case .howTo:
            """
            <p>This coordinator has no identity provider to sign in with. A one-time link lets you in:</p>
            <ul>
            <li>on an enrolled machine of yours: <code>doorward admin console</code></li>
            <li>on the coordinator's machine: <code>doorward-coordinator sign-in-link --data DIR</code></li>
            </ul>
            """
        case .link(let user, let secret):
            """
            <p>You are about to sign in as <strong>\(HTML.escaped(user))</strong> with this one-time link.</p>
            <form method="post" action="/sign-in/link">
            <input type="hidden" name="link" value="\(HTML.escaped(secret))">
            <button type="submit">Sign in</button>
            </form>
            """
        case .signedOut(let farewell):
            """
            <p>This browser is signed out of Doorward.</p>
            \(farewell.map { "<p><a href=\"\(HTML.escaped($0))\">Sign out at the identity provider too</a></p>" } ?? "")
            <p><a href="/sign-in">Sign in</a></p>
            """
        case .failed(_, let why, let next):
            """
            <p>\(HTML.escaped(why))</p>
            \(next.map { "<p>\(HTML.escaped($0))</p>" } ?? "")
            """
        }
    }
}
