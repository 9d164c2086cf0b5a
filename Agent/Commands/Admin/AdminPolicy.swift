import ArgumentParser

/// `doorward admin policy`: the rules of the organisation.
struct AdminPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Check, apply and show the policy, and go back to an earlier one.",
        subcommands: [
            Check.self, Apply.self, Show.self, History.self, Diff.self, RollBack.self, Simulate.self,
            Suggest.self, Explain.self,
        ]
    )
}
