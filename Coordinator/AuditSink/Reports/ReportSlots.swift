internal import Synchronization

/// How many reports there may be at a time, from their making until the last byte is sent.
final class ReportSlots: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) {
        free = Mutex(count)
    }

    /// A place that is free again with the last reference to it.
    final class Place: Sendable {
        private let places: ReportSlots

        fileprivate init(_ places: ReportSlots) {
            self.places = places
        }

        deinit {
            places.free.withLock { $0 += 1 }
        }
    }

    /// A place, if one is free.
    func take() -> Place? {
        let isFree = free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
        return isFree ? Place(self) : nil
    }
}
