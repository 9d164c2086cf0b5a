internal import Glibc

/// Folders that belong to this user alone.
package enum PrivateFolder {
    /// Makes a folder, with those above it that are missing, each with mode 0700; what is there already stays as it is.
    ///
    /// - Parameter path: absolute, or from the working folder.
    /// - Returns: 0, or the number of the error; `ENOTDIR` where something else has that name.
    package static func make(_ path: String) -> Int32 {
        if mkdir(path, 0o700) == 0 { return 0 }
        switch errno {
        case EEXIST:
            return isFolder(path) ? 0 : ENOTDIR
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return ENOENT }
            let error = make(String(path[..<slash]))
            guard error == 0 else { return error }
            // Another process may have made it since.
            return mkdir(path, 0o700) == 0 || errno == EEXIST && isFolder(path) ? 0 : errno
        case let error:
            return error
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
