internal import Glibc

/// What is asked of paths, and of the files behind them.
enum FilePaths {
    /// Where a path leads with all links followed; nil where there is nothing.
    static func real(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    /// What a link contains; nil of anything else.
    static func link(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { memory in
            guard let start = memory.baseAddress else { return nil }
            let count = readlink(path, start, memory.count)
            guard count > 0, count < memory.count else { return nil }
            return String(decoding: memory.prefix(count), as: UTF8.self)
        }
    }

    /// Whether there is a file that can be started.
    static func isProgram(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The folder that a path is in.
    static func parent(_ path: String) -> String {
        "/" + path.split(separator: "/").dropLast().joined(separator: "/")
    }

    /// The first line of a file, of 255 bytes at most; nil where there is none.
    static func firstLine(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return firstLine(of: file)
    }

    /// The same of an open file.
    static func firstLine(of file: CInt) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { memory in
            let count = read(file, memory.baseAddress, memory.count)
            guard count > 0 else { return nil }
            return String(decoding: memory.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
    }
}
