/// What a page has around its content; templates read it by the names of its members.
struct Shell {
    var title: String
    var heading: String
    /// One sentence under the heading.
    var lede: String?
    /// The page above this one.
    var parent: PageLink?
    var nav: [NavGroup] = []
    var person: ShellPerson?
    /// What each form of this page sends along.
    var csrf = ""
    var notes: [Note] = []
    /// Seconds until the page is loaded again; for what is under way.
    var refresh: Int?
    let assets = AssetPaths()
}

/// A link with what it is called.
struct PageLink {
    let name: String
    let href: String
}

/// Who is signed in.
struct ShellPerson {
    let email: String
    let role: String
    /// Where signing out is posted to; nil for a caller without a browser session.
    let signOut: String?
}

/// Pages that belong together.
struct NavGroup {
    let heading: String?
    let items: [NavItem]
}

/// A page in the navigation.
struct NavItem {
    let name: String
    let href: String
    /// The name of its icon's partial.
    let icon: String
    let isCurrent: Bool
}

/// A message above the content: what was done, or what went wrong and what helps.
struct Note {
    enum Tone: String {
        case good, warn, bad
    }

    let tone: Tone
    let message: String
    var next: String?
    var details: [String] = []

    init(_ tone: Tone, _ message: String, next: String? = nil, details: [String] = []) {
        self.tone = tone
        self.message = message
        self.next = next
        self.details = details
        // Announced at once where something is wrong, else when the reader comes to it.
        role = tone == .bad ? "alert" : "status"
    }

    let role: String
}

/// What a part of a page says when there is nothing to show: why, and what to do about it.
struct EmptyState {
    let message: String
    let next: String
    var link: PageLink?
}
