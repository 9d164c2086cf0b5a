internal import Addresses
package import AgentState
internal import Bytes
package import Contract
internal import Errors
package import Fetch
package import Keyring
package import ServiceKit
package import StrictJSON
internal import Synchronization
internal import TransparencyLog

/// Asks the coordinator in this machine's name: each request is signed anew (RFC 9421), with a nonce of its own.
package final class CoordinatorClient: Sendable {
    package let membership: Membership
    package let key: MachineKey
    /// Learns how the coordinator takes this machine's requests; nil for those who ask once.
    package let standing: MembershipStanding?
    private let fetcher: Fetcher
    private let clock: MachineClock
    /// How many seconds the coordinator's clock is ahead of this machine's.
    private let offset = Mutex(0)
    private let ahead = Mutex<Int?>(nil)
    private let random = Mutex(RandomPool())

    /// A client of a membership; the key is read when it is first needed.
    package init(
        _ membership: Membership,
        key: MachineKey,
        fetcher: Fetcher,
        clock: MachineClock = .system,
        standing: MembershipStanding? = nil
    ) {
        self.membership = membership
        self.key = key
        self.standing = standing
        self.fetcher = fetcher
        self.clock = clock
    }

    /// A client whose key has been read; throws `LinkError` where it cannot be.
    package static func signedIn(
        as membership: Membership,
        secrets: any SecretStore,
        fetcher: Fetcher,
        clock: MachineClock = .system
    ) async throws -> CoordinatorClient {
        let key = MachineKey(membership, secrets: secrets)
        try await key.load()
        return CoordinatorClient(membership, key: key, fetcher: fetcher, clock: clock)
    }

    /// Seconds since 1970 by the coordinator's clock, as far as it is known.
    package var now: Int { Int(clock.wall() / 1_000_000) + offset.withLock { $0 } }

    /// How many seconds this machine's clock is ahead of the coordinator's, by its last answer; nil before any.
    package var clockAhead: Int? { ahead.withLock { $0 } }

    /// Sends a signed request; the answer may have any status.
    ///
    /// It is sent once, and a second time only if the coordinator says that this machine's clock is wrong, or that it has
    /// the signature already. That happens when a kept connection dies with the answer: the HTTP library then sends the
    /// same bytes again, by itself.
    ///
    /// - Parameters:
    ///   - method: The method in capitals.
    ///   - path: As it goes into the request line.
    ///   - query: Without the question mark, encoded; empty without one.
    ///   - headers: Beside those that sign.
    ///   - body: The bytes that are signed and sent.
    ///   - timeout: From the call to the last byte of the answer.
    ///   - maxBytes: The longest answer.
    ///   - isIdempotent: Whether doing it twice is the same as once; by default so for GET.
    ///   - file: Where the body of a good answer goes in place of memory.
    /// - Returns: The answer.
    /// - Throws: `LinkError` where the key cannot be had, `FetchError` where there is no answer.
    package func request(
        method: String,
        path: String,
        query: String = "",
        headers: [(String, String)] = [],
        body: [UInt8]? = nil,
        timeout: Duration = .seconds(30),
        maxBytes: Int = 8 << 20,
        isIdempotent: Bool? = nil,
        into file: Int32? = nil
    ) async throws -> FetchResponse {
        try await key.load()
        var request = FetchRequest(
            method,
            membership.url + path + (query.isEmpty ? "" : "?\(query)"),
            body: body,
            timeout: timeout,
            maxBytes: maxBytes,
            addresses: .any,
            caPEM: membership.caPEM
        )
        request.file = file
        for isRepeated in [false, true] {
            let signed = try RequestSigner.sign(
                method: method,
                path: path,
                query: query,
                body: body ?? [],
                audience: membership.origin,
                now: now,
                nonce: nonce(),
                publicKey: key.publicKey.bytes,
                signature: key.signature
            )
            request.headers = headers + signed.map { ($0.name, $0.value) }
            let response = try await fetcher.fetch(request)
            if let time = response.header("date").flatMap(HTTPDate.seconds) {
                ahead.withLock { $0 = Int(clock.wall() / 1_000_000) - time }
            }
            tell(standing, response)
            if isRepeated { return response }
            let isReplayed = Self.isRefused(response, [.replayed]) && isIdempotent ?? (method == "GET")
            guard isReplayed || learnsTime(response) else { return response }
        }
        preconditionFailure("the second answer is returned")
    }

    /// Sends a signed request that must succeed, and reads its JSON.
    ///
    /// - Parameters:
    ///   - method: The method in capitals.
    ///   - path: As it goes into the request line.
    ///   - query: Without the question mark, encoded.
    ///   - body: A document to send.
    ///   - timeout: From the call to the last byte of the answer.
    ///   - isIdempotent: Whether doing it twice is the same as once; by default so for GET.
    /// - Returns: The document; nil for an answer without one.
    /// - Throws: As `request`; `Problem` for one that the coordinator answers; `LinkError.unexpected` for anything else.
    package func json(
        _ method: String,
        _ path: String,
        query: String = "",
        body: JSONValue? = nil,
        timeout: Duration = .seconds(30),
        isIdempotent: Bool? = nil
    ) async throws -> JSONValue? {
        let response = try await request(
            method: method,
            path: path,
            query: query,
            headers: body == nil ? [] : [("content-type", "application/json")],
            body: body?.bytes,
            timeout: timeout,
            isIdempotent: isIdempotent
        )
        return try CoordinatorAnswer.json(response)
    }

    /// An answer that does not have the coordinator's form says nothing about the membership.
    private func tell(_ standing: MembershipStanding?, _ response: FetchResponse) {
        guard let standing else { return }
        if (200..<300).contains(response.status) {
            standing.heard(nil)
        } else if let problem = CoordinatorAnswer.problem(response) {
            standing.heard(problem)
        }
    }

    private func nonce() -> [UInt8] {
        random.withLock { random in
            let words = [random.word(), random.word()]
            return words.withUnsafeBytes { Array($0) }
        }
    }

    private static func isRefused(_ response: FetchResponse, _ refusals: Set<SignatureRefusal>) -> Bool {
        guard response.status == 401, let problem = CoordinatorAnswer.problem(response) else { return false }
        return SignatureRefusal(rawValue: problem.code).map(refusals.contains) ?? false
    }

    /// Whether the coordinator refused the time of the signature and said what time it is.
    private func learnsTime(_ response: FetchResponse) -> Bool {
        guard Self.isRefused(response, [.expired, .notYetValid]),
            let time = response.header("date").flatMap(HTTPDate.seconds)
        else { return false }
        offset.withLock { $0 = time - Int(clock.wall() / 1_000_000) }
        return true
    }
}

/// What the coordinator's answers mean, for every request.
package enum CoordinatorAnswer {
    /// The problem that an answer reports; nil if it reports no problem.
    package static func problem(_ response: FetchResponse) -> Problem? {
        guard response.status >= 400, response.mediaType == Problem.mediaType,
            let json = try? JSONValue(parsing: response.body)
        else { return nil }
        return Problem(json)
    }

    /// The document of an answer that must be good; nil if it has none.
    package static func json(_ response: FetchResponse) throws -> JSONValue? {
        guard (200..<300).contains(response.status) else {
            if let problem = problem(response) { throw problem }
            throw LinkError(
                .unexpected,
                "the coordinator answered \(response.status) without a word why",
                next: "See that the URL is the coordinator's, and ask its administrator."
            )
        }
        guard !response.body.isEmpty else { return nil }
        do {
            return try JSONValue(parsing: response.body, limits: .reply)
        } catch {
            throw LinkError(.unexpected, "the coordinator's answer is not JSON: \(error)", next: "doorward status")
        }
    }
}
