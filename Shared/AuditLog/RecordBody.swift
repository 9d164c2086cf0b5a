package import Bytes
package import StrictJSON
package import TransparencyLog

/// What a record says, beyond who says it and when.
package enum RecordBody: Sendable {
    /// A request goes upstream (or, in the handshake era, to the client), once this is written.
    case callBegin(CallAttributes, EncodedDecision, credential: JSONText?)
    /// What became of a request that was begun.
    case callEnd(CallAttributes, Outcome)
    /// A request was refused.
    case callDeny(CallAttributes, EncodedDecision)

    /// A sign-in gave a credential.
    case credentialGrant(credential: JSONText, server: JSONText)
    case credentialRefresh(credential: JSONText, server: JSONText)
    /// A sign-in or refresh failed; `why` is a code: a-z, 0-9 and _.
    case credentialFail(credential: JSONText?, server: JSONText, why: JSONText)
    case credentialRevoke(credential: JSONText, server: JSONText, why: JSONText)

    /// The agent runs; `torn` is the number of half-written lines that it found and dropped.
    case agentStart(version: JSONText, custody: JSONText, torn: Int)
    case agentStop(why: JSONText)
    /// Every five minutes: what was counted since the last one and has no record of its own.
    case agentHeartbeat(calls: Int, notifications: Int, pings: Int)
    /// The agent's folder went back in time: it knew `known` records, the coordinator had countersigned `countersigned`.
    case agentRollback(known: UInt64, countersigned: UInt64)
    /// The wall clock moved by so many microseconds against the machine's own.
    case clockStep(microseconds: Int)
    case policyApply(version: Int, digest: JSONText)
    /// The spool's reserve is in use (`isOn`), or no longer; `bytes` is what the spool holds.
    case spoolPressure(isOn: Bool, bytes: Int)
}

/// The facts of a call that all its records contain.
///
/// An object, since the code that handles the call hands them on: a copy would cost a count of references for each
/// name.
package final class CallAttributes: Sendable {
    /// The audit id.
    package let call: RandomID
    /// The trace id of W3C trace context.
    package let trace: RandomID
    /// The client's name, and how sure the agent is of it.
    package let client: JSONText
    package let how: ClientProof
    /// The server's alias; of a stranger's alias `RecordName.hash(of:)`.
    package let server: JSONText
    /// The JSON-RPC method; of an unknown method `RecordName.hash(of:)`.
    package let method: JSONText
    package let item: CallItem

    package init(
        call: RandomID,
        trace: RandomID,
        client: JSONText,
        how: ClientProof,
        server: JSONText,
        method: JSONText,
        item: CallItem
    ) {
        self.call = call
        self.trace = trace
        self.client = client
        self.how = how
        self.server = server
        self.method = method
        self.item = item
    }

    /// The same about another server.
    package func of(server: JSONText) -> CallAttributes {
        CallAttributes(call: call, trace: trace, client: client, how: how, server: server, method: method, item: item)
    }
}

/// How the agent knows which client asked.
package enum ClientProof: String, Sendable, CaseIterable {
    /// It showed a credential of its own.
    case token
    /// It came over the socket, so it is this user's; the name is `local`.
    case local
    /// It said so.
    case claimed
}

/// What a call is about.
package enum CallItem: Sendable, Equatable {
    case none
    /// A tool or prompt by the server's own name; too long or unknown ones are hashed.
    case tool(JSONText)
    case prompt(JSONText)
    /// A resource, by the SHA-256 of its URI.
    case resource(Hash)

    /// The resource of a URI.
    package static func resource(uri: some Collection<UInt8>) -> CallItem {
        .resource(.of(uri))
    }
}

/// Names of strangers, as records contain them.
package enum RecordName {
    /// The longest name that is recorded as it is, in bytes.
    package static let maxBytes = 256

    /// `sha256:` and the hash: what is written for names that are unknown or not plain.
    package static func hash(of name: JSONText) -> JSONText {
        JSONText("sha256:" + Hash.of(name.utf8).base64URL)
    }

    /// Whether a name is recorded as it is: 1 to 256 of `A-Z`, `a-z`, `0-9`, `_`, `-`, `.`, `/` and `:`.
    ///
    /// A log cannot be changed, so a name must not carry a sentence, a person's data or bytes that steer a terminal.
    package static func isPlain(_ name: UnsafeBufferPointer<UInt8>) -> Bool { LeafText.plainName.holds(name) }

    /// The name itself if it is plain, else its hash.
    package static func plain(_ name: JSONText) -> JSONText {
        name.utf8.withUnsafeBufferPointer(isPlain) ? name : hash(of: name)
    }

    /// The text itself if it is one word of 1 to 64 of `A-Z`, `a-z`, `0-9`, `_`, `-`, `.`, `:` and `+`, else its hash.
    static func word(_ text: JSONText) -> JSONText {
        LeafText.word.holds(text.utf8) ? text : hash(of: text)
    }

    /// The text itself if it is a hash or empty, else its hash.
    static func digest(_ text: JSONText) -> JSONText {
        text.utf8.isEmpty || LeafText.hash.holds(text.utf8) ? text : JSONText(Hash.of(text.utf8).base64URL)
    }
}

/// How it was decided, as records contain it: laid out once, for all calls that are decided so.
package struct EncodedDecision: Sendable, Equatable {
    /// The member `dec` with the comma before it.
    let member: [UInt8]

    /// - Parameters:
    ///   - isAllowed: Whether the call may go on.
    ///   - reason: The reason's code: a-z, 0-9 and _.
    ///   - rules: The rules that decided, by their places; the first 16 are named.
    ///   - policy: The policy's version; 0 before the first policy.
    ///   - digest: The policy's digest; empty before the first policy.
    ///   - limiter: The limit that was hit.
    ///   - conditions: What came of conditions on arguments, see `RecordedCondition`; the first 16 are named.
    ///   - observed: The code of the reason for which it would be denied, where it passes under a policy that only
    ///     observes.
    package init(
        isAllowed: Bool,
        reason: JSONText,
        rules: [JSONText],
        policy: Int,
        digest: JSONText,
        limiter: JSONText? = nil,
        conditions: [JSONText] = [],
        observed: JSONText? = nil
    ) {
        member = withUnsafeTemporaryAllocation(byteCount: RecordWriter.maxBytes, alignment: 1) { room in
            var output = ByteWriter(room)
            output.append(",\"dec\":{")
            for (index, condition) in conditions.prefix(RecordForm.maxConditions).enumerated() {
                output.append(index > 0 ? "," : "\"args\":[", word: condition)
            }
            output.append(conditions.isEmpty ? "\"digest\":" : "],\"digest\":", RecordName.digest(digest))
            output.append(isAllowed ? ",\"is\":\"allow\"" : ",\"is\":\"deny\"")
            if let limiter { output.append(",\"limiter\":", name: limiter) }
            if let observed { output.append(",\"observed\":", word: observed) }
            output.append(",\"policy\":", policy)
            output.append(",\"reason\":", word: reason)
            output.append(",\"rules\":[")
            for (index, rule) in rules.prefix(RecordForm.maxRules).enumerated() {
                output.append(index > 0 ? "," : "", name: rule)
            }
            output.append("]}")
            return Array(output.written)
        }
    }
}

/// What became of a call.
package struct Outcome: Sendable, Equatable {
    /// How it ended, in the word of the record.
    package enum Kind: String, Sendable, CaseIterable {
        case ok, toolError = "tool_error", rpcError = "rpc_error", notSent = "not_sent"
        case upstreamError = "upstream_error", tooLarge = "too_large", timeout, cancelled, unknown
    }

    package var kind: Kind
    package var milliseconds: Int
    /// Bytes of the request's body, and of the answer's.
    package var bytesIn: Int
    package var bytesOut: Int

    package init(_ kind: Kind, milliseconds: Int = 0, bytesIn: Int = 0, bytesOut: Int = 0) {
        self.kind = kind
        self.milliseconds = milliseconds
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
    }
}
