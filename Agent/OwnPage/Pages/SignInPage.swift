/// Where a sign-in leads, before the browser goes there.
struct SignInPage {
    let server: String
    let url: String

    var html: HTML {
        Frame.entry(
            "Sign in to \(server)",
            """
            <p>You are about to leave for <strong>\(host)</strong>, which \(server) names for sign-ins. What you type there this
            machine does not see; the token that comes back goes into your keyring.</p>
            <p><a class="button primary" href="\(url)" rel="noreferrer">Go to \(host)</a> \
            <a class="button" href="/">Back</a></p>
            """
        )
    }

    private var host: String {
        let rest = url.drop { $0 != "/" }.drop { $0 == "/" }
        return String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }
}
