import ArgumentParser

/// `doorward admin`: what administrators of an organisation do, signed with this machine's key.
struct Admin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Manage the organisation: servers, policy, people, tokens, reports.",
        subcommands: [
            AdminServers.self, AdminTools.self, AdminPolicy.self, AdminInvite.self, AdminUsers.self, AdminAgents.self,
            AdminGroups.self, AdminRoles.self, AdminTokens.self, AdminReport.self, AdminChanges.self, AdminConsole.self,
            AdminAPI.self,
        ]
    )
}
