import Errors
import Glibc
import StrictJSON
import Testing

@testable import ServiceKit

/// A folder that is gone after the test.
final class Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/servicekit-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    deinit {
        for name in names { unlink(file(name)) }
        rmdir(path)
    }
}

private func mode(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode : 0
}

@Suite("Files")
struct FileTests {
    @Test("A file is written, read and replaced, and nothing is left beside it")
    func writing() throws {
        let folder = try Folder()
        let path = folder.file("a")
        #expect(try DurableFile.read(path, maxBytes: 10) == nil)
        try DurableFile.write([1, 2, 3], to: path)
        #expect(try DurableFile.read(path, maxBytes: 3) == [1, 2, 3])
        try DurableFile.write([4], to: path)
        #expect(try DurableFile.read(path, maxBytes: 3) == [4])
        #expect(folder.names == ["a"])
    }

    @Test("The mode is the one that was asked for, whatever was there and whatever the umask")
    func modes() throws {
        let folder = try Folder()
        try DurableFile.write([1], to: folder.file("a"), mode: 0o644)
        #expect(mode(folder.file("a")) & 0o777 == 0o644)
        try DurableFile.write([2], to: folder.file("a"))
        #expect(mode(folder.file("a")) & 0o777 == 0o600)
    }

    @Test("A link is replaced and what it points at stays as it was")
    func links() throws {
        let folder = try Folder()
        try DurableFile.write([1], to: folder.file("target"))
        symlink("target", folder.file("link"))
        try DurableFile.write([2], to: folder.file("link"))
        #expect(try DurableFile.read(folder.file("target"), maxBytes: 9) == [1])
        #expect(try DurableFile.read(folder.file("link"), maxBytes: 9) == [2])
        #expect(mode(folder.file("link")) & S_IFMT == S_IFREG)
    }

    @Test("A file that cannot be written leaves the old one and nothing beside it")
    func failure() throws {
        let folder = try Folder()
        mkdir(folder.file("taken"), 0o700)
        #expect(throws: FileError(.unwritable, "", next: nil)) { try DurableFile.write([1], to: folder.file("taken")) }
        #expect(folder.names == ["taken"])
        rmdir(folder.file("taken"))
        #expect(throws: FileError(.unwritable, "", next: nil)) { try DurableFile.write([1], to: folder.file("no/a")) }
    }

    @Test("What is too large or no file is refused at once")
    func reading() throws {
        let folder = try Folder()
        try DurableFile.write([1, 2, 3, 4], to: folder.file("a"))
        #expect(throws: FileError(.tooLarge, "", next: nil)) { try DurableFile.read(folder.file("a"), maxBytes: 3) }
        #expect(throws: FileError(.unreadable, "", next: nil)) { try DurableFile.read(folder.path, maxBytes: 3) }
        mkfifo(folder.file("pipe"), 0o600)
        #expect(throws: FileError(.unreadable, "", next: nil)) {
            try DurableFile.read(folder.file("pipe"), maxBytes: 3)
        }
    }

    @Test("Settings are one object, absent is nil, and what is wrong has its place")
    func settings() throws {
        let folder = try Folder()
        let path = folder.file("config.yaml")
        #expect(try SettingsFile.read(path: path) == nil)
        try DurableFile.write(Array("# Nothing yet.\n".utf8), to: path)
        #expect(try SettingsFile.read(path: path) == .object([:]))
        try DurableFile.write(Array("listen: 127.0.0.1:7717\nlimits:\n  body: 10\n".utf8), to: path)
        #expect(try SettingsFile.read(path: path) == ["listen": "127.0.0.1:7717", "limits": ["body": 10]])
        for bad in ["- a\n", "a: 1\na: 2\n", "a: [\n"] {
            try DurableFile.write(Array(bad.utf8), to: path)
            let error = #expect(throws: FileError.self) { try SettingsFile.read(path: path) }
            #expect(error?.kind == .malformed)
            #expect(error?.message.hasPrefix(path) == true)
        }
    }
}
