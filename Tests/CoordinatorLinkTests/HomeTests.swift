import AgentState
import Errors
import Foundation
import ServiceKit
import Testing
import TransparencyLog

@testable import CoordinatorLink

@Suite("Home")
struct HomeTests {
    @Test("One variable moves everything")
    func moved() throws {
        let home = try AgentHome.standard(environment: ["DOORWARD_HOME": "/d/", "HOME": "/h", "XDG_RUNTIME_DIR": "/r"])
        #expect(home == AgentHome(config: "/d", state: "/d/state", run: "/d/run"))
        #expect(home.socketPath == "/d/run/agent.sock")
    }

    @Test("The folders of the desktop's specification")
    func standard() throws {
        let plain = try AgentHome.standard(environment: ["HOME": "/h", "XDG_RUNTIME_DIR": "/r"])
        #expect(
            plain
                == AgentHome(config: "/h/.config/doorward", state: "/h/.local/state/doorward", run: "/r/doorward")
        )
        let bare = try AgentHome.standard(environment: ["HOME": "/h"])
        #expect(bare.socketPath == "/h/.local/state/doorward/run/agent.sock")
        let other = try AgentHome.standard(environment: ["HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"])
        #expect(other == AgentHome(config: "/c/doorward", state: "/s/doorward", run: "/s/doorward/run"))
        #expect(plain.secretNamespace != other.secretNamespace)
    }

    @Test(
        "A home without a place, or too deep for a socket, is a clear error",
        arguments: [
            [:], ["DOORWARD_HOME": "relative"], ["HOME": ""],
            ["DOORWARD_HOME": "/" + String(repeating: "d", count: 100)],
        ]
    )
    func refused(environment: [String: String]) {
        #expect(throws: StateError(.badHome, "")) { try AgentHome.standard(environment: environment) }
    }

    @Test("Folders are this user's alone, whatever was there")
    func modes() throws {
        let scratch = try Scratch()
        let home = AgentHome(config: "\(scratch.path)/a/b", state: "\(scratch.path)/c", run: "\(scratch.path)/d")
        mkdir(home.run, 0o755)
        for _ in 0..<2 { try home.makeFolders() }
        for folder in [home.config, home.state, home.run] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder)
            #expect(attributes[.posixPermissions] as? Int == 0o700)
        }
    }

    @Test("A membership is kept as it is, and a damaged one is an error, not none")
    func membership() throws {
        let scratch = try Scratch()
        var coordinator = ModelCoordinator()
        let membership = Machine(&coordinator).membership
        #expect(try Membership.load(scratch.home) == nil)
        try membership.save(scratch.home)
        #expect(try Membership.load(scratch.home) == membership)
        let path = "\(scratch.home.state)/membership.json"
        let bytes = try #require(FileManager.default.contents(atPath: path))
        #expect(!String(decoding: bytes, as: UTF8.self).contains(membership.publicKey.fingerprint))
        try Data(bytes.dropLast()).write(to: URL(fileURLWithPath: path))
        #expect(throws: StateError(.damaged, "")) { try Membership.load(scratch.home) }
        try Membership.remove(scratch.home)
        try Membership.remove(scratch.home)
        #expect(try Membership.load(scratch.home) == nil)
    }
}
