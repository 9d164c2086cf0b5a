import CoordinatorCore
import Foundation
import ServiceKit

// Whatever is made in the data folder, the database's files too, is the owner's alone.
umask(0o077)
ProcessHardening.apply()
DispatchNotes.silence()
StandardLogging.bootstrap(environment: ProcessInfo.processInfo.environment)
await Program.main()
