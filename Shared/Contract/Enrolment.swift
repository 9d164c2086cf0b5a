internal import Bytes
package import StrictJSON

/// `POST /v1/enrolments`: a machine asks to be let in, with a token or a code, signed by its own new key.
package struct EnrolmentRequest: Sendable, Equatable {
    /// `dwi1.SECRET`, see `EnrolmentToken.proof`; or `dwe1.SECRET`, see `EnrolmentCode`.
    package let token: String
    /// For a code: what its question had the hash of (RFC 7636).
    package let verifier: String?
    /// The 32 bytes of the machine's public key.
    package let publicKey: [UInt8]
    /// For people to tell their machines apart.
    package let hostname: String
    /// Where the private half lives, such as `keyring`.
    package let custody: String
    /// The release that the machine runs.
    package let version: String

    package init(
        token: String,
        verifier: String? = nil,
        publicKey: [UInt8],
        hostname: String,
        custody: String,
        version: String
    ) {
        self.token = token
        self.verifier = verifier
        self.publicKey = publicKey
        self.hostname = hostname
        self.custody = custody
        self.version = version
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "token": .text(token), "public_key": .text(Base64.url(publicKey)), "hostname": .text(hostname),
            "custody": .text(custody), "version": .text(version),
        ]
        object["verifier"] = verifier.map { .text($0) }
        return .object(object)
    }

    /// Reads a request; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            EnrolmentRequest(
                token: try reader.text("token"),
                verifier: try reader.optionalText("verifier"),
                publicKey: try reader.bytes("public_key", count: 32),
                hostname: try reader.label("hostname", longest: 253),
                custody: try reader.label("custody", longest: 32),
                version: try reader.label("version", longest: 64)
            )
        }
    }
}

/// The answer to an enrolment: all that the machine pins.
package struct EnrolmentReceipt: Sendable, Equatable {
    package let agentID: String
    /// The person's e-mail address.
    package let user: String
    /// The person's pseudonym in records.
    package let sub: String
    /// The 32 bytes of the coordinator's public key.
    package let coordinatorKey: [UInt8]
    /// The origin of the organisation log.
    package let origin: String
    /// The signed checkpoint of the organisation log that `enrol` is proven against.
    package let orgCheckpoint: String
    /// The leaf that says that this key was enrolled.
    package let enrol: ProvenLeaf

    package init(
        agentID: String,
        user: String,
        sub: String,
        coordinatorKey: [UInt8],
        origin: String,
        orgCheckpoint: String,
        enrol: ProvenLeaf
    ) {
        self.agentID = agentID
        self.user = user
        self.sub = sub
        self.coordinatorKey = coordinatorKey
        self.origin = origin
        self.orgCheckpoint = orgCheckpoint
        self.enrol = enrol
    }

    package var json: JSONValue {
        [
            "agent_id": .text(agentID), "user": .text(user), "sub": .text(sub),
            "coordinator_key": .text(Base64.url(coordinatorKey)), "origin": .text(origin),
            "org_checkpoint": .text(orgCheckpoint), "enrol": enrol.json,
        ]
    }

    /// Reads a receipt; throws `ShapeError`.
    package init(_ json: JSONValue) throws {
        self = try ObjectReader.read(json) { reader in
            EnrolmentReceipt(
                agentID: try reader.agentID("agent_id"),
                user: try reader.text("user"),
                sub: try reader.text("sub"),
                coordinatorKey: try reader.bytes("coordinator_key", count: 32),
                origin: try reader.text("origin"),
                orgCheckpoint: try reader.text("org_checkpoint"),
                enrol: try ProvenLeaf(try reader.required("enrol"), at: reader.path("enrol"))
            )
        }
    }
}

/// A leaf of the organisation log with its proof of inclusion in a checkpoint that travels beside it.
package struct ProvenLeaf: Sendable, Equatable {
    /// The exact bytes of the leaf.
    package let leaf: [UInt8]
    package let index: Int
    /// Hashes of RFC 6962, from the leaf up.
    package let proof: [[UInt8]]

    package init(leaf: [UInt8], index: Int, proof: [[UInt8]]) {
        self.leaf = leaf
        self.index = index
        self.proof = proof
    }

    package var json: JSONValue {
        [
            "leaf": .string(JSONText(utf8: leaf)), "index": .int(index),
            "proof": .array(proof.map { .text(Base64.url($0)) }),
        ]
    }

    init(_ json: JSONValue, at place: String) throws {
        self = try ObjectReader.read(json, at: place) { reader in try ProvenLeaf(members: &reader) }
    }

    init(members reader: inout ObjectReader) throws {
        leaf = try ObjectReader.text(try reader.required("leaf"), at: reader.path("leaf")).utf8
        index = try reader.int("index")
        proof = try reader.hashes("proof")
    }
}
