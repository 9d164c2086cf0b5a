internal import AgentState
internal import Fetch
internal import Keyring
internal import Logging
internal import ServiceKit

/// What every part of an agent works with.
struct AgentParts: Sendable {
    let home: AgentHome
    let secrets: any SecretStore
    let fetcher: Fetcher
    let clock: MachineClock
    let logger: Logger
}
