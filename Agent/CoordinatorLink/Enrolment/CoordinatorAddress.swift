internal import Addresses
internal import Bytes
internal import Errors
internal import Fetch
internal import ServiceKit
internal import StrictJSON

/// Where a coordinator is asked before this machine belongs to it, and how its TLS is trusted.
struct CoordinatorAddress: Sendable {
    /// Scheme, host and port.
    let url: String
    let caPEM: String?

    /// - Parameters:
    ///   - text: A URL without a path: https, or http for a proxy on this machine.
    ///   - authority: A certificate in DER, as a token carries it; used where no file is named.
    ///   - caFile: A file of certificates in PEM, in place of everything else that would be trusted.
    /// - Throws: `LinkError`.
    init(_ text: String, authority: [UInt8]?, caFile: String?) throws {
        guard let parsed = WebURL(text), parsed.query == nil, parsed.fragment == nil, ["", "/"].contains(parsed.path)
        else {
            throw LinkError(.badURL, "this is no URL of a coordinator", next: "Give one like https://doorward.example")
        }
        let isLoopback = parsed.host == "localhost" || parsed.address?.kind == .loopback
        guard parsed.scheme == "https" || isLoopback else {
            throw LinkError(
                .badURL,
                "\(parsed.origin) is not encrypted",
                next: "Give the https URL of the coordinator."
            )
        }
        url = parsed.origin
        if let caFile {
            let pem = try DurableFile.read(caFile, maxBytes: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
            guard let pem, pem.contains("-----BEGIN CERTIFICATE-----") else {
                throw LinkError(.badAuthority, "\(caFile) holds no certificate", next: "Name a file in PEM.")
            }
            caPEM = pem
        } else {
            caPEM = authority.map(Self.pem)
        }
    }

    /// A certificate in the form of RFC 7468.
    private static func pem(_ certificate: [UInt8]) -> String {
        let text = Array(Base64.standard(certificate).utf8)
        let lines = stride(from: 0, to: text.count, by: 64).map { start in
            String(decoding: text[start..<min(start + 64, text.count)], as: UTF8.self)
        }
        return (["-----BEGIN CERTIFICATE-----"] + lines + ["-----END CERTIFICATE-----", ""]).joined(separator: "\n")
    }
}

extension Enrolment {
    /// Refuses what is not a coordinator's URL, before anything else is asked of the user.
    ///
    /// - Throws: `LinkError`.
    package static func check(url: String) throws {
        _ = try CoordinatorAddress(url, authority: nil, caFile: nil)
    }
}
