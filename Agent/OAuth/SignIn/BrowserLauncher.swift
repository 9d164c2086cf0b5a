internal import Fetch
import Foundation

/// Opens the user's browser.
package enum BrowserLauncher {
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
        return await withCheckedContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus == 0) }
            do {
                try process.run()
            } catch {
                continuation.resume(returning: false)
            }
        }
    }
}
