import Foundation

/// A place for a test's files, gone after it.
final class Folder: Sendable {
    let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "core-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: file(name))
        return (attributes[.posixPermissions] as? Int ?? 0) & 0o777
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
