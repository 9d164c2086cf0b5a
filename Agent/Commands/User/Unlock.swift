import ArgumentParser
internal import CoordinatorLink
internal import Keyring
internal import StrictJSON

/// `doorward unlock`: has the keyring ask its user to open it.
struct Unlock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the keyring to open; a running agent goes on by itself.",
        discussion: "KDE opens its wallet for nobody who does not ask, also after you have signed in."
    )

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await report(output) { context in
            // What it is asked for does not matter to whether it is open: without a machine's key, for nothing.
            let name = try Membership.load(context.home)?.secretName ?? "signing-key"
            let reading = await context.secrets.read(SecretName(name), prompting: true)
            if let error = KeyringError(reading, context.secrets.provider), error.code != .failed {
                throw CommandFailure(
                    error.code.description,
                    "\(error.message).",
                    // It was asked, and stays closed: only its own program is left.
                    next: reading == .locked ? context.secrets.provider.byHand : error.hint,
                    status: .needsUser
                )
            }
            return Facts(["open": true], "The keyring is open.")
        }
    }
}
