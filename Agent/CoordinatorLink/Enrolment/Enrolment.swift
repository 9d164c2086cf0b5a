package import AgentState
internal import AuditLog
package import Contract
internal import Errors
package import Fetch
package import Keyring
package import ServiceKit
internal import StrictJSON
internal import TransparencyLog

/// Makes this machine one of a coordinator's, and takes it away again.
package struct Enrolment: Sendable {
    let home: AgentHome
    let secrets: any SecretStore
    let fetcher: Fetcher
    let clock: MachineClock

    /// Enrolment into a home, with the key in a keyring.
    package init(home: AgentHome, secrets: any SecretStore, fetcher: Fetcher, clock: MachineClock = .system) {
        self.home = home
        self.secrets = secrets
        self.fetcher = fetcher
        self.clock = clock
    }

    /// Enrols.
    ///
    /// In an order in which nothing is given away or used up too early: the coordinator shows the key that the token
    /// names; the machine's key is made, stored and read back; only then the token is sent.
    ///
    /// - Parameters:
    ///   - url: Of the coordinator.
    ///   - token: The one-time token.
    ///   - caFile: Certificates to trust in place of the token's and the system's.
    ///   - hostname: Under which people know the machine.
    /// - Returns: The membership, which is kept.
    /// - Throws: `LinkError`, `FetchError`, or the coordinator's `Problem`, such as `token_spent`.
    package func enrol(
        url: String,
        token: EnrolmentToken,
        caFile: String? = nil,
        hostname: String
    ) async throws -> Membership {
        try checkFree()
        try home.makeFolders()
        let address = try CoordinatorAddress(url, authority: token.authority, caFile: caFile)
        let identity = try await CoordinatorIdentity.ask(address, fetcher: fetcher)
        guard Hash.of(identity.key.bytes).bytes == token.keyHash else {
            throw LinkError(
                .wrongCoordinator,
                "the token is for a coordinator with the key \(token.keyFingerprint), and \(address.url) has "
                    + "\(identity.key.fingerprint); the token was not sent",
                next: "Check the URL, or ask for a token of this coordinator."
            )
        }
        let (key, pending) = try await makeKey(for: Hash.of(token.secret))
        return try await join(address, identity, key, pending, proof: token.proof, hostname: hostname)
    }

    /// Refuses a machine that belongs to a coordinator.
    func checkFree() throws {
        guard let membership = try Membership.load(home) else { return }
        throw LinkError(
            .alreadyEnrolled,
            "this machine is enrolled already, with \(membership.url) as \(membership.user)",
            next: "doorward logout"
        )
    }

    /// Brings the coordinator what lets this machine in, checks its receipt, and keeps the membership.
    ///
    /// - Parameters:
    ///   - address: Where it is.
    ///   - identity: Who it says it is.
    ///   - key: This machine's.
    ///   - pending: Under which name the keyring has it.
    ///   - proof: What opens, as it is sent.
    ///   - verifier: What a code from a browser needs beside it.
    ///   - hostname: Under which people know the machine.
    /// - Returns: The membership.
    /// - Throws: `LinkError`, `FetchError`, or the coordinator's `Problem`.
    func join(
        _ address: CoordinatorAddress,
        _ identity: CoordinatorIdentity,
        _ key: MachineKey,
        _ pending: PendingEnrolment,
        proof: String,
        verifier: String? = nil,
        hostname: String
    ) async throws -> Membership {
        let request = EnrolmentRequest(
            token: proof,
            verifier: verifier,
            publicKey: key.publicKey.bytes,
            hostname: Self.label(hostname),
            custody: secrets.custody,
            version: Release.version
        )
        let receipt = try await send(request, key, to: address, identity)
        let membership = Membership(
            url: address.url,
            origin: identity.origin,
            coordinatorKey: identity.key,
            caPEM: address.caPEM,
            agentID: receipt.agentID,
            user: receipt.user,
            sub: receipt.sub,
            custody: secrets.custody,
            publicKey: key.publicKey,
            secretName: pending.secretName
        )
        let head = try check(receipt, membership)
        try OrgWatch.begin(with: head, home: home)
        try membership.save(home)
        PendingEnrolment.remove(home)
        return membership
    }

    // MARK: Steps

    private func send(
        _ request: EnrolmentRequest,
        _ key: MachineKey,
        to address: CoordinatorAddress,
        _ identity: CoordinatorIdentity
    ) async throws -> EnrolmentReceipt {
        // Signed like every later request; only the body says who the machine is.
        let newcomer = Membership(
            url: address.url,
            origin: identity.origin,
            coordinatorKey: identity.key,
            caPEM: address.caPEM,
            agentID: "",
            user: "",
            sub: "",
            custody: secrets.custody,
            publicKey: key.publicKey,
            secretName: ""
        )
        let client = CoordinatorClient(newcomer, key: key, fetcher: fetcher, clock: clock)
        guard let json = try await client.json("POST", "/v1/enrolments", body: request.json, isIdempotent: true)
        else {
            throw LinkError(.unexpected, "the coordinator gave no receipt")
        }
        do {
            return try EnrolmentReceipt(json)
        } catch {
            throw LinkError(.untrusted, "the coordinator's receipt holds what this release does not know: \(error)")
        }
    }

    /// Checks that the receipt is from this coordinator and proves that this key was enrolled.
    private func check(_ receipt: EnrolmentReceipt, _ membership: Membership) throws -> OrgHead {
        guard receipt.coordinatorKey == membership.coordinatorKey.bytes,
            receipt.origin.utf8.elementsEqual(membership.origin.utf8)
        else { throw LinkError(.untrusted, "the receipt is from another coordinator") }
        let head = try OrgHead(receipt.orgCheckpoint, origin: membership.origin, key: membership.coordinatorKey)
        let expected = OrgLeaf.Body.keyEnrol(
            OrgLeaf.KeyEnrolment(
                agent: JSONText(receipt.agentID),
                key: membership.publicKey.fingerprint,
                sub: JSONText(receipt.sub),
                custody: JSONText(membership.custody)
            )
        )
        guard let leaf = try? OrgLeaf(parsing: receipt.enrol.leaf), leaf.body == expected else {
            throw LinkError(.untrusted, "the receipt is about another machine")
        }
        try UploadProofs.checkInclusion(receipt.enrol, leaf, in: head)
        return head
    }

    /// A host's name in the form that the contract has for it.
    static func label(_ hostname: String) -> String {
        let bytes = hostname.utf8.filter { (0x21...0x7E).contains($0) }.prefix(253)
        return bytes.isEmpty ? "unknown" : String(decoding: bytes, as: UTF8.self)
    }
}
