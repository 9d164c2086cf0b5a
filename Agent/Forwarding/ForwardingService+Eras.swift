internal import Bridging
package import StrictJSON

extension ForwardingService {
    /// Takes over what an earlier run has found out of the servers' eras.
    package func restore(eras json: JSONValue) async {
        await onLoop { $0.eras.restore(json) }
    }

    /// What was found out of the servers' eras, to be kept for the next run.
    package func keptEras() async -> JSONValue {
        await onLoop { $0.eras.json }
    }

    /// Says whom to tell whenever something was found out; on the event loop, so it must not wait.
    package func onEras(_ changed: @escaping @Sendable () -> Void) async {
        await onLoop { $0.eras.changed = changed }
    }
}
