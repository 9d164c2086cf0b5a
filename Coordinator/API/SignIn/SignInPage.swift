/// A page of the way in, as those who are not signed in yet may see it.
package enum SignInPage: Sendable, Equatable {
    /// How to sign in where there is no identity provider.
    case howTo
    /// A one-time link was opened: the person presses a button to go in.
    case link(user: String, secret: String)
    /// The browser is signed out here; where there is an address, it can be at the identity provider too.
    case signedOut(farewell: String?)
    /// A machine asks to come in as this person's.
    case machine(MachineQuestion, words: [String], user: String, csrf: String)
    /// It did not work: what happened, and what to do next.
    case failed(title: String, why: String, next: String?)

    /// What the browser shows as the name of the page.
    package var title: String {
        switch self {
        case .howTo, .link: "Sign in"
        case .signedOut: "Signed out"
        case .machine: "Enrol this machine?"
        case .failed(let title, _, _): title
        }
    }
}
