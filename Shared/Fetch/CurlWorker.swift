import CCurl
import Foundation
import Glibc
import Synchronization

/// The thread that drives all transfers of one fetcher through one curl multi handle.
///
/// One thread carries any number of long polls, and a wake-up ends a transfer at once; with one blocking call a
/// thread, each long poll would hold a thread and a cancelled one would be noticed within a second.
///
/// Unchecked: `multi` is used by the thread alone, but for `curl_multi_wakeup`, which any thread may call while the
/// handle lives; `mailbox` guards that.
final class CurlWorker: @unchecked Sendable {
    private struct Mailbox {
        var arrivals: [(id: UInt64, transfer: Transfer)] = []
        var cancelled: [UInt64] = []
        var lastID: UInt64 = 0
        var isStopping = false
        var isGone = false
    }

    private let multi: UnsafeMutableRawPointer
    private let mailbox = Mutex(Mailbox())

    init() {
        _ = Self.global
        guard let multi = curl_multi_init() else { fatalError("out of memory") }
        self.multi = multi
        let thread = Thread { self.run() }
        thread.name = "fetch"
        thread.start()
    }

    private static let global: Void = {
        precondition(curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, "libcurl does not start")
    }()

    /// Hands a transfer over; its `finished` is called exactly once, whatever happens.
    func submit(_ transfer: Transfer, id: UInt64) {
        let taken = mailbox.withLock { box in
            guard !box.isStopping else { return false }
            box.arrivals.append((id, transfer))
            wake()
            return true
        }
        if !taken { transfer.finish(.stopped) }
    }

    func nextID() -> UInt64 {
        mailbox.withLock { box in
            box.lastID += 1
            return box.lastID
        }
    }

    /// Ends a transfer that was submitted; one that is over already is left alone.
    func cancel(_ id: UInt64) {
        mailbox.withLock { box in
            guard !box.isGone else { return }
            box.cancelled.append(id)
            wake()
        }
    }

    /// Ends all transfers and the thread; does not wait.
    func stop() {
        mailbox.withLock { box in
            guard !box.isGone else { return }
            box.isStopping = true
            wake()
        }
    }

    /// Called with the mailbox locked and not gone.
    private func wake() {
        curl_multi_wakeup(multi)
    }

    private func run() {
        // Without curl's own signal games (NOSIGNAL), OpenSSL's write to a closed socket raises SIGPIPE.
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, nil)

        var running: [UInt64: Transfer] = [:]
        while true {
            let (arrivals, cancelled, isStopping) = mailbox.withLock { box in
                defer {
                    box.arrivals = []
                    box.cancelled = []
                }
                return (box.arrivals, box.cancelled, box.isStopping)
            }
            for (id, transfer) in arrivals {
                running[id] = transfer
                curl_multi_add_handle(multi, transfer.handle)
            }
            for id in cancelled {
                guard let transfer = running.removeValue(forKey: id) else { continue }
                curl_multi_remove_handle(multi, transfer.handle)
                transfer.finish(.cancelled)
            }
            if isStopping { break }
            var count: Int32 = 0
            curl_multi_perform(multi, &count)
            collect(&running)
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
        for transfer in running.values {
            curl_multi_remove_handle(multi, transfer.handle)
            transfer.finish(.stopped)
        }
        mailbox.withLock { $0.isGone = true }
        curl_multi_cleanup(multi)
    }

    private func collect(_ running: inout [UInt64: Transfer]) {
        var code = CURLE_OK
        while let handle = cc_finished(multi, &code) {
            guard let index = running.firstIndex(where: { $0.value.handle == handle }) else { continue }
            let transfer = running.remove(at: index).value
            // In this order: the transfer may go with its last use, and its handle with it.
            curl_multi_remove_handle(multi, handle)
            transfer.finish(code)
        }
    }
}
