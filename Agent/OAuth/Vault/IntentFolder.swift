internal import Glibc
internal import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// The intents of renewals that are under way: one small file a grant, without a secret.
struct IntentFolder: Sendable {
    let path: String

    private func file(_ credential: String) -> String {
        // A credential's id is ours, and still it is not a path.
        "\(path)/\(Hash.of(Array(credential.utf8)).base64URL).json"
    }

    func read(_ credential: String) -> RefreshMachine.IntentReading {
        let bytes: [UInt8]?
        do {
            bytes = try DurableFile.read(file(credential), maxBytes: 1024)
        } catch {
            return .unreadable
        }
        guard let bytes else { return .none }
        let intent = try? ObjectReader.read(JSONValue(parsing: bytes)) { reader in
            RefreshMachine.Intent(generation: try reader.int("generation"), sends: try reader.int("sends"))
        }
        return intent.map { .intent($0) } ?? .unreadable
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
