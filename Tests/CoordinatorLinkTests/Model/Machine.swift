import AgentState
import AuditLog
import Bytes
import Contract
import Foundation
import StrictJSON
import TransparencyLog

@testable import CoordinatorLink

/// A machine that is enrolled with a model coordinator, without the enrolment.
struct Machine: Sendable {
    let key = SigningKey()
    let membership: Membership

    init(_ coordinator: inout ModelCoordinator, url: String = "https://door.example") {
        let id = AgentID.make(random: (0..<10).map { _ in UInt8.random(in: 0...255) })
        membership = Membership(
            url: url,
            origin: coordinator.names.audit,
            coordinatorKey: coordinator.key.publicKey,
            caPEM: nil,
            agentID: id,
            user: "ann@example.com",
            sub: "u-1",
            custody: "memory",
            publicKey: key.publicKey,
            secretName: "signing-key/1"
        )
        coordinator.agents[id] = ModelCoordinator.Agent(id: id, key: key.publicKey, sub: "u-1")
    }

    func writer() -> RecordWriter {
        RecordWriter(
            agent: .init(membership.agentID),
            instance: RandomID(),
            key: key.publicKey.fingerprint,
            boot: "boot",
            subject: .init(membership.sub)
        )
    }
}

/// A folder of a test's own.
final class Scratch: Sendable {
    let path: String
    var home: AgentHome { AgentHome(config: path, state: "\(path)/state", run: "\(path)/run") }

    init() throws {
        let base = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        path = "\(base)/link-\(UUID().uuidString)"
        try home.makeFolders()
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

enum FileCopy {
    static func copy(_ path: String, to other: String) throws {
        let parent = other.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: path, toPath: other)
    }
}
