internal import Bytes
internal import Errors
internal import Glibc
package import Logging
internal import Synchronization

/// Logging to standard error: JSON lines for machines, plain lines on a terminal.
package enum StandardLogging {
    /// Makes every `Logger` of the process log this way, as detailed as `DOORWARD_LOG_LEVEL` asks for.
    ///
    /// The variable is one of `trace debug info notice warning error critical`; anything else counts as `info`, since a
    /// program must not fail for the sake of its logs.
    package static func bootstrap(environment: [String: String]) {
        bootstrap(level: environment["DOORWARD_LOG_LEVEL"].flatMap { Logger.Level(rawValue: $0) } ?? .info)
    }

    /// Makes every `Logger` of the process log this way; call it once, first of all.
    ///
    /// - Parameter level: What is less severe is dropped.
    package static func bootstrap(level: Logger.Level = .info) {
        let form: LogLine.Form = isatty(STDERR_FILENO) == 1 ? .plain : .json
        LoggingSystem.bootstrap { label in
            StandardLogHandler(label: label, level: level, form: form, clock: .system, write: StandardError.write)
        }
    }
}

/// Writes log events as lines.
struct StandardLogHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let form: LogLine.Form
    let clock: MachineClock
    let write: @Sendable ([UInt8]) -> Void

    init(
        label: String,
        level: Logger.Level,
        form: LogLine.Form,
        clock: MachineClock,
        write: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.label = label
        logLevel = level
        self.form = form
        self.clock = clock
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = .string(Self.words(error)) }
        let line = LogLine(
            time: Timestamp.text(clock.wall()),
            level: event.level,
            label: label,
            message: event.message.description,
            metadata: all
        )
        write(line.bytes(form))
    }

    /// An error that explains itself does so; of another only its kind is known to be harmless.
    private static func words(_ error: any Error) -> String {
        guard let explained = error as? any ExplainedError else { return String(describing: type(of: error)) }
        return "\(explained.code): \(explained.message)"
    }
}

/// Standard error, one line after the other.
enum StandardError {
    private static let turn = Mutex(())

    /// Writes a whole line; one that cannot be written is lost, as no other place is left to report it.
    @Sendable static func write(_ line: [UInt8]) {
        turn.withLock { _ in
            _ = line.withUnsafeBytes { Descriptor.write($0, to: STDERR_FILENO) }
        }
    }
}
