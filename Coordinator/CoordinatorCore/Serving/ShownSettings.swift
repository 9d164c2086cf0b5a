internal import AuditSink
internal import Console
internal import Database
internal import Rights
internal import SignIn
internal import StrictJSON

/// What the options of `serve` came to, as administrators see it: `/settings`, `GET /v1/settings`.
enum ShownSettings {
    /// - Parameters:
    ///   - provider: The identity provider, if one is set up.
    ///   - storage: What is kept free.
    ///   - uploads: What one machine may bring of records.
    ///   - isInsecure: Whether it listens in plain HTTP, for a proxy on this machine.
    ///   - listen: Where it listens.
    /// - Returns: the settings in groups.
    static func groups(
        provider: ProviderSettings?,
        storage: StorageLimits,
        uploads: UploadLimits,
        isInsecure: Bool,
        listen: String
    ) -> [CoordinatorSettings.Group] {
        [
            CoordinatorSettings.Group("sign_in", "Sign-in", signIn(provider)),
            CoordinatorSettings.Group(
                "network",
                "Network",
                [
                    .init("listen", "Listens at", listen, about: "--listen", isCode: true),
                    .init("transport", "Transport", isInsecure ? "Plain HTTP, for a TLS proxy on its machine" : "TLS"),
                ]
            ),
            CoordinatorSettings.Group(
                "storage",
                "Storage",
                about: "Records are refused before the disk is full",
                [
                    .init("keep_free", "Kept free on the disk", size(storage.keepFree), about: "--keep-free"),
                    .init(
                        "upload_pace",
                        "Records of one machine in a minute",
                        size(uploads.bytesPerMinute),
                        about: "--upload-pace"
                    ),
                    .init(
                        "upload_quota",
                        "Records of one machine in all",
                        size(uploads.storedBytes),
                        about: "--upload-quota"
                    ),
                ]
            ),
        ]
    }

    private static func signIn(_ provider: ProviderSettings?) -> [CoordinatorSettings.Value] {
        guard let provider else {
            return [
                .init(
                    "provider",
                    "Identity provider",
                    "None",
                    about: "People enrol with one-time tokens, and browsers come in by one-time links: --oidc-issuer"
                )
            ]
        }
        let roles = provider.roles.sorted { $0.key < $1.key }.map { "\($0.key.string) = \($0.value.rawValue)" }
        return [
            .init("provider", "Identity provider", provider.issuer, about: "--oidc-issuer", isCode: true),
            .init("client", "Client", provider.clientID, about: "--oidc-client-id", isCode: true),
            .init(
                "roles",
                "Roles by group",
                roles.isEmpty ? "None" : roles.joined(separator: ", "),
                about: "--oidc-role"
            ),
        ]
    }

    private static func size(_ bytes: Int) -> String {
        for (unit, name) in [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")] where bytes >= unit {
            return bytes % unit == 0
                ? "\(bytes / unit) \(name)" : "\(bytes * 10 / unit / 10).\(bytes * 10 / unit % 10) \(name)"
        }
        return "\(bytes) bytes"
    }
}
