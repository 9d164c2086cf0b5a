internal import Errors
package import StrictJSON
internal import StrictYAML

/// Settings that people write, in YAML.
package enum SettingsFile {
    /// The largest file that is read.
    static let largest = 1 << 20

    /// Reads a file of settings.
    ///
    /// - Parameter path: Where it is.
    /// - Returns: Its one object, empty for an empty file; nil if there is no such file.
    /// - Throws: `FileError.malformed` with file, line and column; `.unreadable`, `.tooLarge`.
    package static func read(path: String) throws -> JSONValue? {
        guard let bytes = try DurableFile.read(path, maxBytes: largest) else { return nil }
        let value: JSONValue
        do {
            value = try StrictYAML.parse(bytes, limits: JSONLimits(maxBytes: largest, maxDepth: 16))
        } catch {
            throw FileError(.malformed, "\(path):\(error)", next: "Correct \(path).")
        }
        switch value {
        case .null: return .object(JSONObject())
        case .object: return value
        default: throw FileError(.malformed, "\(path): the settings must be an object.", next: "Correct \(path).")
        }
    }
}
