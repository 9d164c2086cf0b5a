internal import NIOCore
internal import StrictJSON

/// The calls of one server that wait until their clients come back with answers; bounded in number and time.
final class Suspensions {
    private struct Entry {
        let call: SuspendableCall
        let client: JSONText
        let timer: Scheduled<Void>
        let binding: StateSeal.Binding
    }

    private var entries: [UInt64: Entry] = [:]
    private var order: [UInt64] = []
    private let loop: any EventLoop
    private let most: Int
    private let mostOfOneClient: Int
    /// How long a client has to come back.
    let patience: TimeAmount

    init(loop: any EventLoop, most: Int = 256, mostOfOneClient: Int = 64, patience: TimeAmount = .minutes(10)) {
        self.loop = loop
        self.most = most
        self.mostOfOneClient = mostOfOneClient
        self.patience = patience
    }

    var count: Int { entries.count }

    /// Keeps a call; the oldest one of the client, or of all, ends where there are too many.
    ///
    /// - Returns: the number under which it is found again.
    func add(_ call: SuspendableCall, of client: JSONText, _ binding: StateSeal.Binding) -> UInt64 {
        if entries.values.count(where: { $0.client == client }) >= mostOfOneClient {
            if let oldest = order.first(where: { entries[$0]?.client == client }) { expire(oldest) }
        } else if entries.count >= most, let oldest = order.first {
            expire(oldest)
        }
        var number = UInt64.random(in: 1 ... .max)
        while entries[number] != nil { number = UInt64.random(in: 1 ... .max) }
        let timer = loop.assumeIsolated().scheduleTask(in: patience) { self.expire(number) }
        entries[number] = Entry(call: call, client: client, timer: timer, binding: binding)
        order.append(number)
        return number
    }

    /// Takes a call that its client has come back for; each state is good for once.
    func take(_ number: UInt64, _ binding: StateSeal.Binding) -> SuspendableCall? {
        guard entries[number]?.binding == binding else { return nil }
        return remove(number)
    }

    /// Forgets a call that has ended by itself.
    func forget(_ number: UInt64) { _ = remove(number) }

    func endAll() {
        for number in order { expire(number) }
    }

    private func expire(_ number: UInt64) { remove(number)?.expire() }

    private func remove(_ number: UInt64) -> SuspendableCall? {
        guard let entry = entries.removeValue(forKey: number) else { return nil }
        entry.timer.cancel()
        order.removeAll { $0 == number }
        return entry.call
    }
}
