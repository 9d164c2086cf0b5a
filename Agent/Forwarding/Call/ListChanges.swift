internal import MCP
internal import NIOCore
internal import Policy
internal import ServiceKit
internal import StrictJSON

/// Tells clients that listen when the policy, or the approval of definitions, shows them other tools, prompts or resources
/// than before.
///
/// Of several policies in a row the last one is compared with the one that was in force when the stream began, or was told
/// of last: each kind is told once.
final class ListChanges {
    private struct View: Hashable {
        let client: JSONText
        let server: JSONText
        let policy: ObjectIdentifier
    }

    private let path: DataPath
    private var timer: Scheduled<Void>?
    /// The servers of which tools have come to be shown, or are held back.
    private var pinned: Set<JSONText> = []

    init(path: DataPath) {
        self.path = path
    }

    /// Another policy is in force.
    func policyChanged() { schedule() }

    /// Tools of a server have come to be shown, or are held back.
    func pinsChanged(of server: JSONText) {
        pinned.insert(server)
        schedule()
    }

    private func schedule() {
        guard timer == nil, !path.isEnding else { return }
        let rest = TimeAmount.nanoseconds(path.gate.configuration.changeRest.nanoseconds)
        timer = path.loop.assumeIsolated().scheduleTask(in: rest) { self.tell() }
    }

    func end() {
        timer?.cancel()
        timer = nil
    }

    private func tell() {
        timer = nil
        let new = path.gate.policy
        let pinned = pinned
        self.pinned = []
        var changed: [View: ListKinds] = [:]
        var streams: [ObjectIdentifier: (call: Call, kinds: ListKinds)] = [:]
        for connection in path.table.connections {
            guard let call = connection.call, let old = call.shown, call.isUnanswered else { continue }
            call.shown = new
            let view = View(client: call.client, server: call.server.alias, policy: ObjectIdentifier(old))
            var kinds = changed[view] ?? new.listsChanged(since: old, client: view.client, server: view.server)
            changed[view] = kinds
            if pinned.contains(view.server) { kinds.insert(.tools) }
            guard call.machine.kind == .stream, let session = call.session else {
                call.tell(changed: kinds)
                continue
            }
            // Of the streams of one session a message goes over one alone; the newest is the one that is read.
            let key = ObjectIdentifier(session)
            let other = streams[key]
            let newest = other.map { $0.call.began > call.began ? $0.call : call } ?? call
            streams[key] = (newest, kinds.union(other?.kinds ?? []))
        }
        for stream in streams.values { stream.call.tell(changed: stream.kinds) }
    }
}

// What the agent itself says on streams that clients keep open.
extension Call {
    /// Tells the client of this stream that lists are others now, as soon as its stream has begun.
    func tell(changed kinds: ListKinds) {
        untold.formUnion(kinds.intersection(listens))
        layOutChanges()
        // What was laid out before the head has gone waits for it.
        guard machine.state == .events(isCommitted: true) else { return }
        sendEvents(isLast: false)
    }

    /// Lays out what the client has to be told: between two events of the server, which are sent whole.
    func layOutChanges() {
        guard !untold.isEmpty, machine.state == .events(isCommitted: true) else { return }
        let isListen = machine.kind != .stream
        // The first message of a subscription is that the server has taken it (2026-07-28, "Subscriptions").
        guard !isListen || isAcknowledged else { return }
        let subscription = isListen ? literalID : nil
        for method in untold.notifications {
            let body = Self.notification(method, subscription: subscription)
            bytesOut += body.count
            body.withUnsafeBytes { connection.events.append(data: $0, id: nil) }
        }
        untold = []
    }

    private static func notification(_ method: MCPMethod, subscription: [UInt8]?) -> [UInt8] {
        let body = Array(#"{"jsonrpc":"2.0","method":"\#(method.name)""#.utf8)
        guard let subscription else { return body + Array("}".utf8) }
        let meta = #","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"#
        return body + Array(meta.utf8) + subscription + Array("}}}".utf8)
    }
}
