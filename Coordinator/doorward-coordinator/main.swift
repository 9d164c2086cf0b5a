import ArgumentParser

/// The server that an organisation shares: registry, people, policy, audit log.
struct DoorwardCoordinator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doorward-coordinator",
        abstract: "Keeps the registry, the people, the policy and the audit log of an organisation.",
        version: "0.1.0"
    )
}

DoorwardCoordinator.main()
