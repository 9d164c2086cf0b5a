internal import Console

extension SignInPage {
    /// The page as people see it.
    var entry: EntryPage {
        switch self {
        case .howTo:
            EntryPage(
                title,
                ["This coordinator has no identity provider to sign in with. A one-time link lets you in:"],
                commands: [
                    EntryPage.Command("On an enrolled machine of yours", "doorward admin console"),
                    EntryPage.Command("On the coordinator's machine", "doorward-coordinator sign-in-link --data DIR"),
                ]
            )
        case .link(let user, let secret):
            EntryPage(
                title,
                ["You are about to sign in as \(user) with this one-time link."],
                button: EntryPage.Button("Sign in", action: "/sign-in/link", fields: [("link", secret)])
            )
        case .signedOut(let farewell):
            EntryPage(
                title,
                ["This browser is signed out of Doorward."],
                links: [EntryPage.Link("Sign in", "/sign-in")]
                    + (farewell.map { [EntryPage.Link("Sign out at the identity provider too", $0)] } ?? [])
            )
        case .machine(let question, let words, let user, let csrf):
            EntryPage(
                title,
                [
                    "\(question.hostname) asks to become a machine of \(user). Whoever uses it then acts as you.",
                    "Say yes only if you have just typed `doorward login` there yourself, and its terminal shows these same words.",
                ],
                commands: [
                    EntryPage.Command("The words of its key", words.joined(separator: " ")),
                    EntryPage.Command("Where its key is kept", question.custody),
                ],
                button: EntryPage.Button(
                    "Enrol this machine",
                    orElse: "Do not enrol it",
                    action: MachineRoutes.path,
                    fields: [("csrf", csrf)] + question.fields
                )
            )
        case .failed(_, let why, let next):
            EntryPage(title, [why] + (next.map { [$0] } ?? []), links: [EntryPage.Link("Sign in", "/sign-in")])
        }
    }
}
