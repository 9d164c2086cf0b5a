import Fetch
import Testing

@testable import OAuth

@Suite("Authorities that a server's entry brings, on the way to a token")
struct OwnAuthoritiesTests {
    private func request(_ url: String, of server: ProtectedServer) -> FetchRequest {
        FetchRequest("GET", url).trusting(server.ownAuthorities)
    }

    @Test("They alone vouch for the server itself; elsewhere those of the system do as well")
    func origins() {
        var server = ProtectedServer(alias: "a", url: "https://mcp.corp.example/mcp", allowsLoopback: false)
        #expect(request("https://mcp.corp.example/x", of: server).caPEM == nil)
        server.authorities = "PEM"
        let own = request("https://mcp.corp.example/.well-known/oauth-protected-resource", of: server)
        #expect(own.caPEM == "PEM" && !own.trustsSystemToo)
        for url in ["https://login.example/token", "https://mcp.corp.example:8443/token"] {
            let other = request(url, of: server)
            #expect(other.caPEM == "PEM" && other.trustsSystemToo)
        }
    }
}
