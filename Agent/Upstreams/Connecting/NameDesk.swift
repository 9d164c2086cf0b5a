package import NIOCore
internal import Synchronization

/// Asks the system for the addresses of a name, for as long as the system's resolver likes; the ports are 0.
///
/// Throws `UpstreamError`.
package typealias ResolveHost = @Sendable (String) throws -> [SocketAddress]

/// Looks up the names of servers; belongs to the event loop.
///
/// Nothing ends a look-up once it has begun, so each has a thread of its own, and a name has one at a time: a name
/// whose name servers are silent costs one thread, however often it is called, and no other name waits for it.
final class NameDesk {
    typealias Answer = Result<[SocketAddress], UpstreamError>

    private final class LookUp {
        let began: NIODeadline
        var waiting: [ConnectAttempt]

        init(began: NIODeadline, for attempt: ConnectAttempt) {
            self.began = began
            waiting = [attempt]
        }
    }

    private let wayBack: LoopGate
    private let resolve: ResolveHost
    private let most: Int
    private let patience: TimeAmount
    private var underWay: [String: LookUp] = [:]

    init(loop: any EventLoop, configuration: UpstreamConfiguration) {
        wayBack = LoopGate(loop)
        resolve = configuration.resolve
        most = configuration.maxLookUps
        patience = configuration.connectTimeout
    }

    /// How many look-ups are under way.
    var count: Int { underWay.count }

    /// Looks a name up and tells the attempt what came of it, perhaps before this returns.
    func find(_ name: String, for attempt: ConnectAttempt) {
        let now = wayBack.loop.now
        if let lookUp = underWay[name] {
            // The attempt for which this look-up began has given up: waiting as long again makes no sense.
            guard now - lookUp.began < patience else { return attempt.found(.failure(.silentName)) }
            lookUp.waiting.append(attempt)
            return
        }
        guard underWay.count < most else { return attempt.found(.failure(.noThread)) }
        underWay[name] = LookUp(began: now, for: attempt)
        let desk = NIOLoopBound(self, eventLoop: wayBack.loop)
        let isStarted = OwnThread.run { [wayBack, resolve] in
            let answer: Answer
            do {
                answer = .success(try resolve(name))
            } catch {
                answer = .failure(error as? UpstreamError ?? .unresolved)
            }
            wayBack.execute { desk.value.finish(name, answer) }
        }
        if !isStarted { finish(name, .failure(.noThread)) }
    }

    /// An attempt waits no more.
    func leave(_ name: String, _ attempt: ConnectAttempt) {
        underWay[name]?.waiting.removeAll { $0 === attempt }
    }

    /// Takes no answer any more: the loop ends.
    func stop() { wayBack.close() }

    private func finish(_ name: String, _ answer: Answer) {
        guard let lookUp = underWay.removeValue(forKey: name) else { return }
        for attempt in lookUp.waiting { attempt.found(answer) }
    }
}

/// The way onto an event loop for threads that may outlive it.
private final class LoopGate: Sendable {
    let loop: any EventLoop
    private let isOpen = Mutex(true)

    init(_ loop: any EventLoop) { self.loop = loop }

    func execute(_ body: @escaping @Sendable () -> Void) {
        isOpen.withLock { if $0 { loop.execute(body) } }
    }

    func close() {
        isOpen.withLock { $0 = false }
    }
}
