internal import Bytes
internal import Contract
package import Rights

/// One request of a browser that is signed in.
package struct Visit: Sendable {
    /// The person.
    package let caller: Caller
    /// What each form carries.
    let csrf: String
    /// The variable segments of the path, in their order.
    let parameters: [String]
    let query: [String: String]
    let form: Form
    /// Seconds since 1970.
    let now: Int

    /// - Parameters:
    ///   - caller: The person, as its session proves.
    ///   - csrf: What each form carries.
    ///   - parameters: The variable segments of the path, in their order.
    ///   - query: The decoded values of the query by name.
    ///   - form: The fields of the form.
    ///   - now: Seconds since 1970.
    package init(
        caller: Caller,
        csrf: String,
        parameters: [String] = [],
        query: [String: String] = [:],
        form: [String: String] = [:],
        now: Int
    ) {
        self.caller = caller
        self.csrf = csrf
        self.parameters = parameters
        self.query = query
        self.form = Form(form)
        self.now = now
    }

    /// Whether the caller's role has this right: what is dangerous is shown also where it will need another sign-in.
    func may(_ right: Right) -> Bool { caller.role >= right.role }

    /// The caller's permit, for a part of a page that is shown to those who have the right.
    func permit<Kind: RightKind>(_: Kind.Type) -> Permit<Kind>? { try? caller.permit() }

    /// What a page has around it.
    ///
    /// - Parameters:
    ///   - place: Where it is in the navigation.
    ///   - heading: What it is called.
    ///   - lede: One sentence about it.
    ///   - parent: The page above it.
    ///   - done: What can have been done just before, by the word in the query, as the page says it.
    ///   - refused: Why what was asked was not done.
    /// - Returns: the shell.
    func shell(
        _ place: Place,
        _ heading: String,
        lede: String? = nil,
        parent: PageLink? = nil,
        done: [String: String] = [:],
        refused: Refused? = nil
    ) -> Shell {
        var shell = Shell(title: heading, heading: heading, lede: lede, parent: parent)
        shell.nav = Place.groups(for: self, current: place)
        shell.person = ShellPerson(email: caller.email, role: caller.role.rawValue, signOut: "/sign-out")
        shell.csrf = csrf
        if let message = query["done"].flatMap({ done[$0] }) { shell.notes.append(Note(.good, message)) }
        if let refused { shell.notes.append(Note(refused)) }
        return shell
    }
}

extension Note {
    /// Why something was not done, and what helps.
    init(_ refused: Refused) {
        self.init(.bad, refused.message, next: refused.next)
    }
}

extension Visit {
    /// A path with the variable segments of this one in the places of `{}`, percent-encoded.
    func path(_ pattern: String) -> String {
        let parts = pattern.split(separator: "{}", omittingEmptySubsequences: false)
        var path = String(parts[0])
        for (part, parameter) in zip(parts.dropFirst(), parameters) { path += FormBody.escaped(parameter) + part }
        return path
    }
}

extension Refused {
    static let noSuchServer = Refused(
        "unknown_server",
        "No server has this alias.",
        next: "See which there are: /servers"
    )
}
