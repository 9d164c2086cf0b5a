internal import Logging

/// One log event on its way to a line of text.
///
/// Whatever it holds, it stays one line, bounded in length, without a control or a formatting character that could
/// change what a reader sees, and without anything that looks like a credential.
struct LogLine {
    enum Form: Sendable {
        case json, plain
    }

    let time: String
    let level: Logger.Level
    let label: String
    let message: String
    let metadata: Logger.Metadata

    /// The longest text and the deepest nesting of a single value, and the most values of one event or list.
    static let longestText = 4096
    static let deepest = 4
    static let mostValues = 64

    /// The line with its line feed.
    func bytes(_ form: Form) -> [UInt8] {
        var output: [UInt8] = []
        switch form {
        case .json: writeJSON(to: &output)
        case .plain: writePlain(to: &output)
        }
        output.append(UInt8(ascii: "\n"))
        return output
    }

    private func writeJSON(to output: inout [UInt8]) {
        output += Array("{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"message\":".utf8)
        LogText.writeQuoted(message, to: &output)
        output += Array(",\"logger\":".utf8)
        LogText.writeQuoted(label, to: &output)
        for (key, value) in pairs(metadata) {
            output.append(UInt8(ascii: ","))
            // The first four members are this line's own, whatever an event calls its values.
            LogText.writeQuoted(["time", "level", "message", "logger"].contains(key) ? "\(key)_" : key, to: &output)
            output.append(UInt8(ascii: ":"))
            write(value, key: key, depth: 1, to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    private func writePlain(to output: inout [UInt8]) {
        output += Array("\(time.dropFirst(11).prefix(8)) \(level.rawValue): ".utf8)
        LogText.write(message, to: &output)
        for (key, value) in pairs(metadata) {
            output.append(UInt8(ascii: " "))
            LogText.write(key, to: &output)
            output.append(UInt8(ascii: "="))
            write(value, key: key, depth: 1, to: &output)
        }
    }

    private func pairs(_ metadata: Logger.Metadata) -> [(key: String, value: Logger.MetadataValue)] {
        Array(metadata.sorted { $0.key < $1.key }.prefix(Self.mostValues))
    }

    private func write(_ value: Logger.MetadataValue, key: String, depth: Int, to output: inout [UInt8]) {
        guard !Redaction.isSecret(name: key) else { return LogText.writeQuoted(Redaction.mark, to: &output) }
        guard depth <= Self.deepest else { return LogText.writeQuoted("...", to: &output) }
        switch value {
        case .string(let text): LogText.writeQuoted(text, to: &output)
        case .stringConvertible(let value): write(value, to: &output)
        case .array(let values):
            output.append(UInt8(ascii: "["))
            for (index, value) in values.prefix(Self.mostValues).enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                write(value, key: "", depth: depth + 1, to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .dictionary(let members):
            output.append(UInt8(ascii: "{"))
            for (index, (key, value)) in pairs(members).enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                LogText.writeQuoted(key, to: &output)
                output.append(UInt8(ascii: ":"))
                write(value, key: key, depth: depth + 1, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private func write(_ value: any CustomStringConvertible & Sendable, to output: inout [UInt8]) {
        switch value {
        case let number as any BinaryInteger: output += Array("\(number)".utf8)
        case let flag as Bool: output += Array("\(flag)".utf8)
        default: LogText.writeQuoted(value.description, to: &output)
        }
    }
}
