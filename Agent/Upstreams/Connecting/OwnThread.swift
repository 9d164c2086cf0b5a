internal import Glibc

/// A thread for one thing that may take long and that nothing can end.
package enum OwnThread {
    /// Enough for the resolver and the plug-ins that it loads.
    private static let stackBytes = 512 << 10

    private final class Errand {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts it; false where the system has no thread to give, and then it never runs.
    package static func run(_ body: @escaping @Sendable () -> Void) -> Bool {
        withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { memory in
            guard let attributes = memory.baseAddress, pthread_attr_init(attributes) == 0 else { return false }
            defer { pthread_attr_destroy(attributes) }
            pthread_attr_setdetachstate(attributes, CInt(PTHREAD_CREATE_DETACHED))
            pthread_attr_setstacksize(attributes, stackBytes)
            let errand = Unmanaged.passRetained(Errand(body))
            var thread: pthread_t = 0
            let begin: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
                if let argument { Unmanaged<Errand>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }
            let status = pthread_create(&thread, attributes, begin, errand.toOpaque())
            if status != 0 { errand.release() }
            return status == 0
        }
    }
}
