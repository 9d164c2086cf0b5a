import Bytes
import Glibc
import Testing

@testable import ServiceKit

@Suite("The process as a service")
struct ServiceTests {
    @Test("A notification arrives as one datagram")
    func notification() throws {
        let folder = try Folder()
        let path = folder.file("notify")
        let receiver = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(receiver) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(receiver, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        ServiceNotification.send(Array("READY=1".utf8), to: Array(path.utf8))
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = recv(receiver, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        #expect(String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self) == "READY=1")
    }

    @Test(
        "A notification to nowhere is nothing",
        arguments: ["", "relative", "/no/such/socket", String(repeating: "/a", count: 60)]
    )
    func nowhere(path: String) {
        ServiceNotification.send(Array("READY=1".utf8), to: Array(path.utf8))
    }

    @Test("A hardened process leaves no core file and survives a closed pipe")
    func hardening() throws {
        ProcessHardening.apply()
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0)
        #expect(limit.rlim_max == 0)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        #expect(write(ends[1], "x", 1) == -1)
        #expect(errno == EPIPE)
        close(ends[1])
        // Of a process that is not dumpable the kernel gives /proc/PID/mem to root alone.
        var status = stat()
        #expect(stat("/proc/self/mem", &status) == 0)
        #expect(status.st_uid == 0)
    }

    @Test("The clocks run, and a record's time is in microseconds")
    func clock() {
        let first = MachineClock.system.recordTime
        let second = MachineClock.system.recordTime
        #expect(first.mono <= second.mono)
        #expect(first.wall > 1_700_000_000_000_000)
        #expect(MachineClock(wall: { 7 }, boot: { 5_999 }).recordTime.mono == 5)
    }
}
