internal import Glibc

/// Wakes one thread, which may wait for a time: by the monotonic clock, so that a step of the wall clock neither
/// lengthens nor shortens the wait.
///
/// The semaphores of Dispatch count their time-outs by the wall clock on Linux: a step back in the middle of a wait of
/// 20 ms makes it as long as the step.
// What it points to is guarded by its own mutex, and the pointers never change.
final class ThreadSignal: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isSet = false

    init() {
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        let isMonotonic = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
        precondition(isMonotonic, "the system has no monotonic clock")
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Wakes the thread, or lets it not wait the next time.
    func signal() {
        pthread_mutex_lock(mutex)
        isSet = true
        pthread_mutex_unlock(mutex)
        pthread_cond_signal(condition)
    }

    /// Returns when a thread signals, has signalled since the last wait, or when the time is up.
    ///
    /// - Parameter time: The longest wait; nil for as long as it takes.
    func wait(atMost time: Duration? = nil) {
        pthread_mutex_lock(mutex)
        defer {
            isSet = false
            pthread_mutex_unlock(mutex)
        }
        guard let time else {
            while !isSet { pthread_cond_wait(condition, mutex) }
            return
        }
        var deadline = Self.deadline(time)
        while !isSet, pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
    }

    private static func deadline(_ time: Duration) -> timespec {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let nanoseconds = now.tv_nsec + Int(time.components.attoseconds / 1_000_000_000)
        return timespec(
            tv_sec: now.tv_sec + Int(time.components.seconds) + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000
        )
    }
}
