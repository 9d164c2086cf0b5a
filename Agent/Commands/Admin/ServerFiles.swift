internal import Contract
import Foundation
internal import StrictJSON

/// The `server.json` that a path names, or all files of a folder that end in `.json`, such as a checked-out repository.
struct ServerFiles {
    /// The documents with the files that they are in.
    private(set) var documents: [(file: String, json: JSONValue)] = []
    /// What cannot be read, or read in one way only.
    private(set) var problems: [FieldProblem] = []
    /// Whether the path was one file.
    let isOne: Bool

    private static let most = 1_000

    /// Reads them; throws `CommandFailure` where there are none.
    init(_ path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandFailure(
                "no_file",
                "There is no file or folder \(path).",
                next: "Name a server.json, a folder of them, or the https URL of a registry."
            )
        }
        isOne = !isFolder.boolValue
        for (file, path) in isOne ? [("", path)] : try Self.files(in: path) { read(path, as: file) }
    }

    private mutating func read(_ path: String, as file: String) {
        guard let handle = FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: ServerDocument.limits.maxBytes + 1)
        else {
            problems.append(FieldProblem(file, "cannot be read"))
            return
        }
        do {
            documents.append((file, try JSONValue(parsing: Array(data), limits: ServerDocument.limits)))
        } catch {
            problems.append(FieldProblem(file, error.description))
        }
    }

    /// Relative and whole paths, in their order; nothing that a link leads to, and nothing hidden.
    private static func files(in folder: String) throws -> [(String, String)] {
        let url = URL(fileURLWithPath: folder, isDirectory: true)
        let keys: [URLResourceKey] = [.isRegularFileKey]
        let found = FileManager.default.enumerator(
            at: url,
            includingPropertiesForKeys: keys,
            options: [.skipsHiddenFiles]
        )
        var files: [(String, String)] = []
        while let each = found?.nextObject() as? URL {
            guard each.pathExtension == "json",
                (try? each.resourceValues(forKeys: Set(keys)))?.isRegularFile == true
            else { continue }
            files.append((String(each.path.dropFirst(url.path.count).drop { $0 == "/" }), each.path))
            guard files.count <= most else {
                throw CommandFailure(
                    "too_many_files",
                    "\(folder) has more than \(most) files that end in .json.",
                    next: "Name the folder that holds the servers."
                )
            }
        }
        guard !files.isEmpty else {
            throw CommandFailure(
                "no_file",
                "\(folder) has no file that ends in .json.",
                next: "Name a server.json, or a folder of them."
            )
        }
        return files.sorted { $0.0 < $1.0 }
    }

    /// The body of `POST /v1/imports`.
    var body: JSONValue {
        let documents = documents.map { file, json -> JSONValue in
            var object: JSONObject = ["server": json]
            if !file.isEmpty { object["file"] = .text(file) }
            return .object(object)
        }
        return ["documents": .array(documents), "register": .bool(isOne)]
    }
}
