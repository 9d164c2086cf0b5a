internal import Addresses
internal import Contract
internal import Fetch
internal import StrictJSON

/// How each server does, as the agent has seen it; of one without trusted TLS also what is wrong with its certificate.
struct ServerChecks {
    let fetcher: Fetcher
    /// The entries that this machine knows.
    let entries: [ServerEntry]

    func findings(_ status: JSONValue?) async -> [Finding] {
        var findings: [Finding] = []
        for server in status?["servers"]?.array ?? [] { findings.append(await finding(server)) }
        return findings
    }

    private func finding(_ server: JSONValue) async -> Finding {
        let alias = server["alias"]?.text ?? ""
        let since = server["since"]?.text.map { " since \($0)" } ?? ""
        let error = server["error"]?.text ?? ""
        let why = error.isEmpty ? "" : ": \(error)"
        func finding(_ state: Finding.State, _ words: String, next: String? = nil) -> Finding {
            Finding("server \(alias)", state, words + (words.last == "." || !why.isEmpty ? why : "."), next: next)
        }
        switch server["state"]?.text {
        case "up": return finding(.ok, "It is up")
        case "needs_sign_in": return finding(.needsUser, "It needs your sign-in", next: "doorward connect \(alias)")
        case "down":
            let found = finding(.failed, "It is down\(since)", next: "doorward servers \(alias)")
            return await certificateTrouble(alias, error).map { found.adding(" \($0)") } ?? found
        default:
            let isLocked = error.contains("doorward unlock")
            return finding(
                isLocked ? .needsUser : .warning,
                "It does not answer as it should\(since)",
                next: isLocked ? "doorward unlock" : "doorward servers \(alias)"
            )
        }
    }

    /// What is wrong with the certificate of a server to which TLS did not come about: the way of calls does not ask.
    private func certificateTrouble(_ alias: String, _ error: String) async -> String? {
        guard error.contains("TLS"), let entry = entries.first(where: { $0.alias == alias }), let url = entry.url else {
            return nil
        }
        let request = FetchRequest(
            "GET",
            url,
            timeout: .seconds(5),
            maxBytes: 65_536,
            addresses: AddressRule(
                allowsLoopback: entry.allowsLoopback,
                ofAnybody: entry.allowsForeignOwner,
                allowsPrivate: entry.reach.allowsPrivate
            ),
            caPEM: entry.reach.authorities
        )
        do {
            _ = try await fetcher.fetch(request)
            return nil
        } catch let error as FetchError where error.kind == .tls {
            return error.message.prefix(1).uppercased() + error.message.dropFirst() + "."
        } catch {
            return nil
        }
    }
}
