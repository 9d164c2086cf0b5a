import Foundation

/// A file that an option names, for what must not be in an argument list; `-` is standard input.
enum InputFile {
    /// The bytes of a file, or of standard input up to `longest`.
    ///
    /// - Throws: `CommandFailure` where there is no such file.
    static func read(_ path: String, longest: Int = 16_384, naming next: String) throws -> [UInt8] {
        if path == "-" { return Array((try? FileHandle.standardInput.read(upToCount: longest)) ?? Data()) }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("no_file", "There is no file \(path) that can be read.", next: next)
        }
        return Array(data)
    }
}
