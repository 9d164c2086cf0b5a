import AgentState
import AuditLog
import Bytes
import Contract
import Foundation
import Glibc
import Kits
import StrictJSON
import Synchronization
import TransparencyLog

@testable import CoordinatorLink

/// A model coordinator behind HTTP on loopback, one thread a connection: it judges signatures as the real one does.
final class CoordinatorServer: Sendable {
    /// What a test wants to happen to the next requests for a path.
    enum Mishap: Sendable {
        /// The request is carried out and its answer is lost.
        case loseAnswer
        /// The connection ends before anything is done.
        case refuse
        case answer(ModelCoordinator.Answer)
    }

    struct Seen: Sendable {
        let method: String
        let path: String
        let query: String
        let body: [UInt8]
        let nonce: String?
    }

    let model: Mutex<ModelCoordinator>
    let mishaps = Mutex<[String: [Mishap]]>([:])
    let seen = Mutex<[Seen]>([])
    /// What the next polls are answered; with none they are held for a moment and answered 204.
    let news = Mutex<[SyncAnswer]>([])
    /// Whether a connection serves more than one request.
    let keepsAlive: Bool
    private let nonces = Mutex<Set<String>>([])
    /// Seconds by which its clock is ahead.
    let skew = Mutex(0)
    /// Whether it says of a revocation what proves it.
    let signsRevocations = Mutex(true)
    private let listener: Int32
    let port: UInt16

    var url: String { "http://127.0.0.1:\(port)" }

    init(_ model: ModelCoordinator = ModelCoordinator(host: "127.0.0.1"), keepsAlive: Bool = false) throws {
        self.keepsAlive = keepsAlive
        self.model = Mutex(model)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Bool in
                bind(listener, address, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { [self] in serve(connection) }
            }
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    func happens(_ mishaps: Mishap..., to path: String) { self.mishaps.withLock { $0[path, default: []] += mishaps } }

    func count(_ path: String) -> Int { seen.withLock { $0.filter { $0.path == path }.count } }

    private var now: Int { Int(Date().timeIntervalSince1970) + skew.withLock { $0 } }

    // MARK: HTTP

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var buffer: [UInt8] = []
        while let request = Self.read(connection, &buffer) {
            let mishap = mishaps.withLock { mishaps -> Mishap? in
                guard let first = mishaps[request.path]?.first else { return nil }
                mishaps[request.path]?.removeFirst()
                return first
            }
            if case .refuse = mishap { return }
            var answer = (try? judge(request)) ?? .problem(Problem("broken", status: 500, title: "", detail: ""))
            if case .loseAnswer = mishap { return }
            if case .answer(let other) = mishap { answer = other }
            guard write(answer, to: connection), keepsAlive else { return }
        }
    }

    private struct Request {
        var method = ""
        var path = ""
        var query = ""
        var headers: [(String, String)] = []
        var body: [UInt8] = []

        func values(_ name: String) -> [String] { headers.filter { $0.0 == name }.map(\.1) }
    }

    private static func read(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let split = (0..<max(0, buffer.count - 3)).first(where: { buffer[$0..<$0 + 4].elementsEqual(end) }) {
                let lines = String(decoding: buffer[..<split], as: UTF8.self).components(separatedBy: "\r\n")
                let words = lines[0].split(separator: " ").map(String.init)
                let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
                var request = Request(method: words[0], path: String(target[0]))
                request.query = target.count > 1 ? String(target[1]) : ""
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                    request.headers.append((line[..<colon].lowercased(), value))
                }
                let length = request.values("content-length").first.flatMap(Int.init) ?? 0
                if buffer.count >= split + 4 + length {
                    request.body = Array(buffer[(split + 4)..<(split + 4 + length)])
                    buffer.removeFirst(split + 4 + length)
                    return request
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            buffer += chunk[..<count]
        }
    }

    private func write(_ answer: ModelCoordinator.Answer, to connection: Int32) -> Bool {
        let status: Int
        let type: String
        let body: [UInt8]
        switch answer {
        case .json(let json): (status, type, body) = (200, "application/json", json.bytes)
        case .nothing: (status, type, body) = (204, "text/plain", [])
        case .problem(let problem): (status, type, body) = (problem.status, Problem.mediaType, problem.json.bytes)
        }
        let form = DateFormatter()
        form.locale = Locale(identifier: "en_US_POSIX")
        form.timeZone = TimeZone(identifier: "GMT")
        form.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let date = form.string(from: Date(timeIntervalSince1970: Double(now)))
        var head = "HTTP/1.1 \(status) X\r\nDate: \(date)\r\nContent-Type: \(type)\r\n"
        if case .problem(let problem) = answer, let seconds = problem.members["retry_after"]?.int {
            head += "Retry-After: \(seconds)\r\n"
        }
        head += "Content-Length: \(body.count)\r\n\r\n"
        let bytes = Array(head.utf8) + body
        return send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    // MARK: Answers

    private func judge(_ request: Request) throws -> ModelCoordinator.Answer {
        let head = SignedHead(
            method: request.method,
            path: request.path,
            query: request.query,
            signatureInput: request.values("signature-input"),
            signature: request.values("signature"),
            contentDigest: request.values("content-digest"),
            audience: request.values("doorward-audience")
        )
        let names = model.withLock { $0.names }
        let claim = try? RequestVerifier(audience: names.audit).claim(head)
        seen.withLock {
            $0.append(
                Seen(
                    method: request.method,
                    path: request.path,
                    query: request.query,
                    body: request.body,
                    nonce: claim?.nonce
                )
            )
        }
        if request.path == "/v1/identity" { return .json(try model.withLock { try $0.identity }) }
        guard let claim else { return Self.refused(.badSignature) }
        let enrolment = request.path == "/v1/enrolments" ? try EnrolmentRequest(JSONValue(parsing: request.body)) : nil
        let agent = model.withLock { model in
            model.agents.values.first { $0.key.fingerprint == claim.keyid }
        }
        guard let key = enrolment?.publicKey ?? agent?.key.bytes else { return Self.refused(.unknownKey) }
        do throws(SignatureRefusal) {
            try claim.verify(publicKey: key, now: now)
            try claim.checkBody(request.body)
        } catch {
            return Self.refused(error)
        }
        guard nonces.withLock({ $0.insert(claim.nonce).inserted }) else { return Self.refused(.replayed) }
        if let enrolment { return try model.withLock { try $0.enrol(enrolment) } }
        guard let agent else { return Self.refused(.unknownKey) }
        if agent.isRevoked { return try revoked(agent) }
        switch (request.method, request.path) {
        case ("GET", "/v1/agent-log"): return .json(try model.withLock { try $0.state(agent.id).json })
        case ("POST", "/v1/agent-log"): return try model.withLock { try $0.take(request.body, from: agent.id) }
        case ("GET", "/v1/agent/bundle"): return poll()
        case ("POST", "/v1/agent/leave"):
            model.withLock { $0.agents[agent.id]?.isRevoked = true }
            return .nothing
        default: return .problem(Problem("not_found", status: 404, title: "", detail: ""))
        }
    }

    private func poll() -> ModelCoordinator.Answer {
        for _ in 0..<20 {
            let next = news.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let next { return .json(next.json) }
            usleep(10_000)
        }
        return .nothing
    }

    /// What a revoked machine is told, with the coordinator's signed word as far as it gives that.
    private func revoked(_ agent: ModelCoordinator.Agent) throws -> ModelCoordinator.Answer {
        guard signsRevocations.withLock({ $0 }) else { return Self.refused(.revokedKey) }
        return try model.withLock { model in
            let statement = RevocationStatement(
                agentID: agent.id,
                key: agent.key.fingerprint,
                time: UTCTime(seconds: 1_800_000_000)
            )
            return .problem(Problem(sent: try statement.refusal(signedBy: model.key, names: model.names)))
        }
    }

    private static func refused(_ refusal: SignatureRefusal) -> ModelCoordinator.Answer {
        .problem(Problem(refusal.rawValue, status: 401, title: "", detail: refusal.detail))
    }
}

/// Waits until something is so, for at most ten seconds.
func eventually(_ condition: () throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
        if try condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try condition()
}
