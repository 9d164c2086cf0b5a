internal import AuditLog
internal import Glibc
internal import ServiceKit
internal import StrictJSON

/// The intents of renewals that are under way: one small file a grant, without a secret.
struct IntentFolder: Sendable {
    let path: String

    private func file(_ credential: String) -> String {
        // A credential's id is ours, and still it is no path.
        "\(path)/\(Hash.of(Array(credential.utf8)).base64URL).json"
    }

    func read(_ credential: String) -> RefreshMachine.Intent? {
        guard let bytes = try? DurableFile.read(file(credential), maxBytes: 1024),
            let json = try? JSONValue(parsing: bytes), let generation = json["generation"]?.int,
            let sends = json["sends"]?.int
        else { return nil }
        return RefreshMachine.Intent(generation: generation, sends: sends)
    }

    /// Whether the intent is on the disk.
    func write(_ intent: RefreshMachine.Intent, _ credential: String) -> Bool {
        let json: JSONValue = ["generation": .int(intent.generation), "sends": .int(intent.sends)]
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { return false }
        return (try? DurableFile.write(json.bytes, to: file(credential))) != nil
    }

    func clear(_ credential: String) {
        unlink(file(credential))
    }
}
