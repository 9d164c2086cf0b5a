internal import API
internal import Errors
internal import Glibc
internal import NIOCore
internal import ServiceKit
internal import ServiceLifecycle

/// A server at an address: it ends in time, and its failure to listen there is told in a message that helps.
struct Listener: Service, CustomStringConvertible {
    let address: ListenAddress
    /// The option that names another address.
    let option: String
    let ledger: ConnectionLedger
    let server: any Service

    /// What requests that are being answered have left when the program is asked to end.
    private static let grace = Duration.seconds(5)

    /// What the group that runs services prints, which would else be all that this has, by reflection.
    var description: String { "listener of \(option)" }

    func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask {
                    try await gracefulShutdown()
                    try await Task.sleep(for: Self.grace)
                    // The server waits for each request to be whole and answered, and so for a client that never ends
                    // its request.
                    ledger.closeAll()
                }
                // The server ends first; the other one has nothing to say but that it was cancelled.
                try await group.next()
                group.cancelAll()
            }
        } catch let error as IOError {
            throw failure("\(String(cString: strerror(error.errnoCode)))")
        } catch is SocketAddressError.UnknownHost {
            throw failure("no address is known for this host")
        }
    }

    private func failure(_ reason: String) -> CoordinatorError {
        CoordinatorError(
            .listen,
            "Nothing can listen at \(address.text()): \(reason).",
            next: "End what listens there, or name another address with \(option)."
        )
    }
}
