// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target: the strictest that the language offers, with warnings as errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .treatAllWarnings(as: .error),
]

/// In release, small functions of one part are compiled into those that call them.
let fast: [SwiftSetting] = [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// Targets whose folder has a page of its own.
let withPage: Set = ["Forwarding"]

/// A target in `half/name`; `dependencies` are the levels below it that it may import.
func part(_ half: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "\(half)/\(name)",
        exclude: withPage.contains(name) ? ["README.md"] : [],
        swiftSettings: strict + fast
    )
}

func program(_ half: String, _ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "\(half)/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", swiftSettings: strict)
}

let testTargets: [Target] = [
    part("Tests", "Kits", ["Bytes", "StrictJSON", "TransparencyLog", "AuditLog", "Contract", "Database", "Rights"]),
    tests("Bytes", ["Bytes"]),
    tests("TransparencyLog", ["Kits", "Errors", "TransparencyLog", "Bytes", "StrictJSON"]),
    tests("StrictJSON", ["Kits", "StrictJSON"]),
    tests("MCP", ["MCP", "Bytes", "StrictJSON"]),
    tests("Policy", ["Kits", "MCP", "Policy", "StrictJSON"]),
    tests("StrictYAML", ["StrictYAML", "StrictJSON"]),
    tests("PolicyFile", ["PolicyFile", "Policy", "StrictJSON"]),
    tests("AuditLog", ["Kits", "Errors", "AuditLog", "TransparencyLog", "Bytes", "StrictJSON"]),
    tests("AuditReport", ["Kits", "Errors", "AuditReport", "AuditLog", "TransparencyLog", "Bytes", "StrictJSON"]),
    tests("Contract", ["Kits", "AuditLog", "Bytes", "TransparencyLog", "Contract", "MCP", "StrictJSON", crypto]),
    tests("Addresses", ["Addresses"]),
    tests("Fetch", ["Addresses", "Fetch", "Kits"]),
    tests("Archive", ["Archive"]),
    tests("ServiceKit", ["ServiceKit", "Bytes", "Errors", "Kits", "StrictJSON", logging]),
    tests("Keyring", ["Keyring", "Errors"]),
    tests(
        "OAuth",
        [
            "OAuth", "Errors", "Bytes", "TransparencyLog", "Keyring", "Addresses", "Fetch", "Contract", "StrictJSON",
            "ServiceKit", "Kits",
        ]
    ),
    tests("Spool", ["Spool", "Errors", "Bytes", "TransparencyLog", "AuditLog", "ServiceKit", "StrictJSON", logging]),
    tests("Wire", ["Wire"]),
    tests(
        "Bridging",
        ["Bridging", "Fetch", "Kits", "MCP", "StrictJSON", "Upstreams", "Wire", nioCore, nioEmbedded, nioPosix]
    ),
    tests(
        "Children",
        [
            "Children", "StrictJSON", "Bridging", "Contract", "Keyring", "ServiceKit", "Upstreams", nioCore, nioPosix,
            logging,
        ]
    ),
    tests("StdioShim", ["StdioShim", "MCP", "StrictJSON", "Kits", nioCore]),
    tests("Upstreams", ["Upstreams", "Fetch", "Wire", nioCore, nioHPACK, nioPosix, nioSSL]),
    tests(
        "CoordinatorLink",
        [
            "CoordinatorLink", "Kits", "Addresses", "Errors", "Bytes", "TransparencyLog", "AgentState", "Policy",
            "Contract",
            "AuditLog",
            "Fetch", "ServiceKit", "Keyring", "Spool", "StrictJSON", logging, serviceLifecycle,
        ]
    ),
    tests("LocalControl", ["LocalControl", "StrictJSON"]),
    tests("OwnPage", ["OwnPage", "Bytes", "LocalControl", "ServiceKit", "StrictJSON"]),
    tests(
        "Forwarding",
        [
            "Forwarding", "Errors", "Bytes", "TransparencyLog", "Bridging", "MCP", "Policy", "AuditLog", "Spool",
            "Wire", "Upstreams", "StrictJSON", "Fetch", "ServiceKit", nioCore, nioPosix,
        ]
    ),
    tests("Database", ["Database", "ServiceKit"]),
    tests(
        "AuditSink",
        [
            "Kits", "AuditSink", "Errors", "Bytes", "TransparencyLog", "AuditReport", "AuditLog", "Contract",
            "Database", "Rights",
            "ServiceKit", "StrictJSON",
        ]
    ),
    tests(
        "Registry",
        [
            "Kits", "Registry", "Fetch", "TransparencyLog", "AuditSink", "AuditLog", "Contract", "Database", "Rights",
            "ServiceKit", "StrictJSON",
        ]
    ),
    tests(
        "People",
        [
            "Kits", "People", "Bytes", "TransparencyLog", "Policy", "AuditSink", "AuditLog", "Contract", "Database",
            "Rights",
            "ServiceKit", "StrictJSON",
        ]
    ),
    tests(
        "PolicyStore",
        [
            "Kits", "PolicyStore", "Bytes", "TransparencyLog", "MCP", "PolicyFile", "Policy", "People", "AuditSink",
            "AuditLog", "Contract", "Database", "Rights", "ServiceKit", "StrictJSON",
        ]
    ),
    tests(
        "Definitions",
        [
            "Kits", "Definitions", "TransparencyLog", "MCP", "Registry", "AuditSink", "AuditLog", "Contract",
            "Database", "Rights",
            "ServiceKit", "StrictJSON",
        ]
    ),
    tests(
        "Fleet",
        [
            "Fleet", "Kits", "Bytes", "TransparencyLog", "Registry", "Definitions", "PolicyStore", "PolicyFile",
            "Policy",
            "People", "AuditSink", "AuditLog", "Contract", "Database", "Rights", "ServiceKit", "StrictJSON",
        ]
    ),
    tests(
        "SignIn",
        [
            "SignIn", "Kits", "Addresses", "Bytes", "TransparencyLog", "Policy", "People", "AuditSink", "AuditLog",
            "Contract",
            "Database", "Fetch", "Rights", "ServiceKit", "StrictJSON", crypto, logging,
        ]
    ),
    tests(
        "Console",
        [
            "Console", "Kits", "Bytes", "TransparencyLog", "StrictJSON", "Policy", "AuditLog", "Contract", "Fetch",
            "ServiceKit",
            "Database", "Rights", "AuditSink", "Definitions", "Registry", "People", "PolicyStore", "Fleet", mustache,
        ]
    ),
    tests(
        "API",
        [
            "Kits", "API", "Bytes", "TransparencyLog", "AuditReport", "Fleet", "Registry", "PolicyStore", "PolicyFile",
            "Policy", "People", "AuditSink", "AuditLog", "Contract", "Database", "Rights", "ServiceKit", "StrictJSON",
            crypto,
            hummingbird, hummingbirdCore, hummingbirdTesting, httpTypes, logging, nioCore, nioEmbedded, nioHTTP1,
            nioHTTPTypes,
        ]
    ),
    tests(
        "CoordinatorCore",
        [
            "CoordinatorCore", "Errors", "AuditLog", "TransparencyLog", "AuditSink", "Contract", "ServiceKit",
            "StrictJSON", logging, nioSSL, x509, asn1,
        ]
    ),
]

let package = Package(
    name: "doorward",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", exact: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit.git", exact: "5.7.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    ],
    targets: [
        part("Shared", "Errors"),
        part("Shared", "Bytes"),
        part("Shared", "StrictJSON", ["Bytes"]),
        part("Shared", "MCP", ["Bytes", "StrictJSON"]),
        part("Shared", "Policy", ["StrictJSON", "MCP"]),
        part("Shared", "StrictYAML", ["StrictJSON", yams]),
        part("Shared", "PolicyFile", ["StrictJSON", "StrictYAML", "MCP", "Policy"]),
        part("Shared", "TransparencyLog", ["Errors", "Bytes", crypto]),
        part("Shared", "AuditLog", ["Errors", "Bytes", "StrictJSON", "TransparencyLog"]),
        part("Shared", "AuditReport", ["Errors", "Bytes", "StrictJSON", "TransparencyLog", "AuditLog"]),
        part("Shared", "Addresses"),
        part(
            "Shared",
            "Contract",
            ["Errors", "Bytes", "TransparencyLog", "StrictJSON", "MCP", "Policy", "AuditLog", "Addresses", crypto]
        ),
        .systemLibrary(
            name: "CCurl",
            path: "Shared/CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]
        ),
        part("Shared", "Fetch", ["Errors", "CCurl", "Addresses"]),
        .systemLibrary(name: "CZlib", path: "Shared/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        part("Shared", "Archive", ["CZlib"]),
        part("Shared", "ServiceKit", ["Errors", "Bytes", "StrictJSON", "StrictYAML", logging, serviceLifecycle]),

        .systemLibrary(
            name: "CLibSecret",
            path: "Agent/CLibSecret",
            pkgConfig: "libsecret-1",
            providers: [.apt(["libsecret-1-dev"])]
        ),
        part("Agent", "Keyring", ["Errors", "CLibSecret"]),
        part(
            "Agent",
            "OAuth",
            [
                "Errors", "Bytes", "TransparencyLog", "StrictJSON", "Contract", "Addresses", "Fetch", "ServiceKit",
                "Keyring", "Wire", crypto,
            ]
        ),
        part(
            "Agent",
            "Spool",
            ["Errors", "Bytes", "TransparencyLog", "StrictJSON", "AuditLog", "ServiceKit", logging]
        ),
        part(
            "Agent",
            "AgentState",
            ["Errors", "Bytes", "TransparencyLog", "StrictJSON", "Policy", "AuditLog", "Contract", "ServiceKit"]
        ),
        part("Agent", "Wire"),
        part(
            "Agent",
            "Upstreams",
            ["Addresses", "Fetch", "ServiceKit", "Wire", nioCore, nioHPACK, nioHTTP2, nioPosix, nioSSL, nioTLS]
        ),
        part(
            "Agent",
            "CoordinatorLink",
            [
                "Errors", "Bytes", "TransparencyLog", "StrictJSON", "Policy", "AuditLog", "Contract", "Addresses",
                "Fetch", "ServiceKit", "Keyring", "OAuth", "Spool", "AgentState", logging, serviceLifecycle,
            ]
        ),
        part("Agent", "LocalControl", ["Errors", "StrictJSON", "Addresses", "Fetch", "ServiceKit"]),
        part(
            "Agent",
            "Bridging",
            ["Bytes", "StrictJSON", "MCP", "Fetch", "ServiceKit", "Wire", "Upstreams", nioCore, crypto]
        ),
        part(
            "Agent",
            "Forwarding",
            [
                "Errors", "Bytes", "TransparencyLog", "StrictJSON", "MCP", "Policy", "AuditLog", "Addresses", "Fetch",
                "ServiceKit", "Spool", "Wire", "Upstreams", "Bridging", nioCore, nioPosix, logging, crypto,
            ]
        ),
        .target(
            name: "CSpawn",
            path: "Agent/CSpawn",
            cSettings: [.enableWarning("all"), .treatAllWarnings(as: .error)]
        ),
        part(
            "Agent",
            "Children",
            [
                "TransparencyLog", "StrictJSON", "Contract", "ServiceKit", "Keyring", "Upstreams", "Bridging", "CSpawn",
                nioCore, nioPosix, logging,
            ]
        ),
        part(
            "Agent",
            "StdioShim",
            ["StrictJSON", "MCP", "Fetch", "ServiceKit", "Wire", "Upstreams", nioCore, nioPosix]
        ),
        part("Agent", "OwnPage", ["Bytes", "StrictJSON", "ServiceKit", "LocalControl", crypto]),
        part(
            "Agent",
            "AgentCore",
            [
                "Errors", "Bytes", "TransparencyLog", "StrictJSON", "MCP", "Policy", "AuditLog", "Contract",
                "Addresses", "Fetch", "ServiceKit", "Keyring", "OAuth", "Spool", "Upstreams", "AgentState",
                "CoordinatorLink", "LocalControl", "Bridging", "Children", "Forwarding", "OwnPage", nioCore, nioPosix,
                logging, serviceLifecycle, unixSignals,
            ]
        ),
        part(
            "Agent",
            "Commands",
            [
                "Errors", "Bytes", "TransparencyLog", "AuditReport", "StrictJSON", "MCP", "Policy", "PolicyFile",
                "Contract", "Addresses", "Fetch", "Archive", "ServiceKit", "Keyring", "OAuth", "Spool", "Wire",
                "AgentState", "CoordinatorLink", "LocalControl", "StdioShim", "Children", "AgentCore", argumentParser,
                logging,
            ]
        ),
        program("Agent", "doorward", ["Commands", argumentParser]),

        part("Coordinator", "Database", ["Errors", "ServiceKit", grdb]),
        part("Coordinator", "Rights", ["TransparencyLog", "StrictJSON", "Contract"]),
        part(
            "Coordinator",
            "AuditSink",
            [
                "Errors", "Bytes", "TransparencyLog", "AuditReport", "StrictJSON", "AuditLog", "Contract", "ServiceKit",
                "Database", "Rights", logging,
            ]
        ),
        part(
            "Coordinator",
            "Definitions",
            [
                "Bytes", "TransparencyLog", "StrictJSON", "MCP", "AuditLog", "Contract", "ServiceKit", "Database",
                "Rights", "AuditSink",
            ]
        ),
        part(
            "Coordinator",
            "Registry",
            [
                "Errors", "Bytes", "TransparencyLog", "StrictJSON", "AuditLog", "Contract", "Addresses", "Fetch",
                "ServiceKit",
                "Database", "Rights", "AuditSink",
            ]
        ),
        part(
            "Coordinator",
            "People",
            [
                "Bytes", "TransparencyLog", "StrictJSON", "Policy", "AuditLog", "Contract", "ServiceKit", "Database",
                "Rights", "AuditSink",
            ]
        ),
        part(
            "Coordinator",
            "PolicyStore",
            [
                "Errors", "Bytes", "TransparencyLog", "StrictJSON", "MCP", "Policy", "StrictYAML", "PolicyFile",
                "AuditLog", "Contract", "ServiceKit", "Database", "Rights", "AuditSink", "People",
            ]
        ),
        part(
            "Coordinator",
            "Fleet",
            [
                "Errors", "Bytes", "TransparencyLog", "StrictJSON", "Policy", "PolicyFile", "AuditLog", "Contract",
                "ServiceKit", "Database", "Rights", "AuditSink", "Registry", "Definitions", "People", "PolicyStore",
            ]
        ),
        part(
            "Coordinator",
            "SignIn",
            [
                "Errors", "Addresses", "Bytes", "TransparencyLog", "StrictJSON", "Policy", "Contract", "Fetch",
                "ServiceKit", "Database", "Rights", "AuditSink", "People", "Fleet", crypto, jwtKit, logging,
            ]
        ),
        part(
            "Coordinator",
            "Console",
            [
                "Bytes", "TransparencyLog", "StrictJSON", "Policy", "PolicyFile", "AuditLog", "Contract", "ServiceKit",
                "Database", "Rights", "AuditSink", "Definitions", "Registry", "People", "PolicyStore", "Fleet",
                mustache,
            ]
        ),
        part(
            "Coordinator",
            "API",
            [
                "AuditLog", "Errors", "Bytes", "TransparencyLog", "StrictJSON", "Policy", "PolicyFile", "Contract",
                "Archive", "Fetch", "ServiceKit", "Database", "Rights", "AuditSink", "Registry", "Definitions",
                "People",
                "PolicyStore", "Fleet", "Console", "SignIn", crypto, hummingbird, httpTypes, nioCore, nioHTTP1,
                nioHTTPTypes, logging,
            ]
        ),
        part(
            "Coordinator",
            "CoordinatorCore",
            [
                "Errors", "Bytes", "Policy", "TransparencyLog", "StrictJSON", "AuditLog", "Contract", "ServiceKit",
                "Database", "Rights", "AuditSink", "Registry", "People", "PolicyStore", "Fleet", "SignIn", "Console",
                "API", crypto, hummingbird,
                hummingbirdCore, hummingbirdTLS, logging, nioCore, nioSSL, serviceLifecycle, unixSignals, x509, asn1,
            ]
        ),
        program(
            "Coordinator",
            "doorward-coordinator",
            ["StrictJSON", "ServiceKit", "CoordinatorCore", argumentParser, logging]
        ),
    ] + testTargets
)

// For the sake of a quick turn: only these targets, and what they need.
if let names = Context.environment["DOORWARD_TARGETS"] {
    var needed: Set<String> = []
    var open = names.split(separator: ",").map(String.init)
    while let name = open.popLast() {
        guard needed.insert(name).inserted else { continue }
        guard let target = package.targets.first(where: { $0.name == name }) else { continue }
        for case .byNameItem(let dependency, _) in target.dependencies { open.append(dependency) }
    }
    package.targets.removeAll { !needed.contains($0.name) }
}

// Fuzzers are built by `packaging/dev fuzz` alone: libFuzzer brings their main function, and its instrumentation is no
// part of what is shipped.
if Context.environment["DOORWARD_FUZZING"] != nil {
    let sanitizers = ["-sanitize=fuzzer,address"]
    // Without the rest, whose files a fuzzer may have in a target of its own: what reads states stands among much that
    // need not be built for it.
    let needed = ["Bytes", "Errors", "MCP", "StrictJSON", "TransparencyLog", "Wire"]
    package.targets.removeAll { !needed.contains($0.name) }
    for target in package.targets {
        target.swiftSettings = strict + [.unsafeFlags(sanitizers)]
    }
    package.targets.append(
        .target(
            name: "FuzzerDriver",
            path: "Tests/Fuzzers/FuzzerDriver",
            swiftSettings: strict + [.unsafeFlags(sanitizers)]
        )
    )
    let fuzzers: [(String, [Target.Dependency])] = [
        ("StrictJSON", ["MCP", "StrictJSON"]), ("EventStream", ["Wire"]), ("Header", ["MCP", "StrictJSON"]),
        ("List", ["MCP", "StrictJSON"]),
    ]
    for (name, dependencies) in fuzzers {
        package.targets.append(
            .executableTarget(
                name: "\(name)Fuzzer",
                dependencies: ["FuzzerDriver"] + dependencies,
                path: "Tests/Fuzzers/\(name)Fuzzer",
                swiftSettings: strict + [.unsafeFlags(sanitizers + ["-parse-as-library"])],
                linkerSettings: [.unsafeFlags(sanitizers)]
            )
        )
    }
    package.targets.append(
        .executableTarget(
            name: "StateFuzzer",
            dependencies: ["FuzzerDriver", "Bytes", "MCP", "StrictJSON", "TransparencyLog", crypto],
            path: ".",
            sources: [
                "Tests/Fuzzers/StateFuzzer", "Agent/Bridging/Handshake/EventLog.swift",
                "Agent/Bridging/Messages/RawObject.swift", "Agent/Bridging/Modern/StateSeal.swift",
                "Agent/Forwarding/Aggregate/ExposedName.swift", "Agent/Forwarding/Aggregate/ExposedURI.swift",
                "Agent/Forwarding/Sessions/SealedSession.swift", "Agent/Forwarding/Sessions/SessionSeed.swift",
            ],
            swiftSettings: strict + [.unsafeFlags(sanitizers + ["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(sanitizers)]
        )
    )
}
