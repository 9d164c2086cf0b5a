internal import Fetch
import Foundation
internal import ServiceKit

/// Opens the user's browser.
package enum BrowserLauncher {
    /// How long `xdg-open` is waited for: where it becomes the browser itself, it does not end.
    private static let patience = Duration.seconds(3)

    /// Opens a page; false where no browser could be started.
    ///
    /// Only plain web addresses: what a server names goes to another program's command line, so it must begin with a scheme
    /// and can be neither an option nor a file.
    package static func open(_ address: String) async -> Bool {
        guard let url = WebURL(address), url.scheme == "https" || url.isLoopback else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["xdg-open", url.text]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let (ends, end) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingOldest(1))
        process.terminationHandler = { end.yield($0.terminationStatus == 0) }
        do {
            try process.run()
        } catch {
            return false
        }
        return await Deadline.leaving(after: patience) { await ends.first { _ in true } ?? false } ?? true
    }
}
