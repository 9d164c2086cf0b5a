import CoordinatorCore
import Foundation
import ServiceKit

ProcessHardening.apply()
StandardLogging.bootstrap(environment: ProcessInfo.processInfo.environment)
await Program.main()
