package import Contract

extension Refused {
    /// The caller's role is too low.
    package static func roleNeeded(_ role: Role, has: Role) -> Refused {
        Refused(
            "role_needed",
            "This needs the role \(role.rawValue), and yours is \(has.rawValue).",
            next: "Ask somebody with the role \(role.rawValue) to do it, or to invite you to it."
        )
    }

    /// An administrator has locked the caller.
    package static let locked = Refused(
        "locked",
        "An administrator has locked you, or the machine that this goes back to.",
        next: "Ask an administrator to take the lock off: doorward admin agents unlock, doorward admin users unlock"
    )

    static func scopeNeeded(_ scopes: Set<Scope>) -> Refused {
        let names = Scope.allCases.filter(scopes.contains).map(\.rawValue).joined(separator: " or ")
        return Refused(
            "scope_needed",
            "This needs a token of the scope \(names).",
            next: "Make one: doorward admin tokens add NAME --scope SCOPE"
        )
    }

    static let machineNeeded = Refused(
        "machine_needed",
        "Only a request that an enrolled machine has signed is answered here.",
        next: "Run the command on an enrolled machine."
    )

    /// The session is too old for this.
    package static let signInAgain = Refused(
        "sign_in_again",
        "This needs a sign-in of the last minutes, and this session's is older.",
        next: "Sign in again in this browser, and then repeat it."
    )

    /// Neither a machine nor a token has what this is about.
    package static let browserNeeded = Refused(
        "browser_needed",
        "This is about a browser's session, and only that browser asks for it.",
        next: "Sign in with a browser: open /sign-in at the coordinator's URL."
    )

    /// The browser's session has ended, or never was one.
    package static let sessionEnded = Refused(
        "session_ended",
        "The browser is not signed in, or not any more.",
        next: "Sign in: open /sign-in at the coordinator's URL."
    )

    /// The token opens nothing, or no longer.
    package static let badToken = Refused(
        "bad_token",
        "The token is unknown, was removed or has expired.",
        next: "Make a new one: doorward admin tokens add NAME --scope SCOPE"
    )
}
