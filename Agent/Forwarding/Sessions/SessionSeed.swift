internal import StrictJSON

/// What it takes to begin a session at its server once more, in the client's place.
struct SessionSeed: Equatable {
    /// The `params` of the client's `initialize`: an object, as a document.
    let params: [UInt8]
    /// The `params` of the last `logging/setLevel` that the server took.
    var level: [UInt8]?
    /// The `params` of each `resources/subscribe` that is in force, by its URI.
    var subscriptions: [JSONText: [UInt8]] = [:]

    /// The longest `params` that are kept, in bytes; of longer ones only what a server must know.
    static let longest = 4096
    /// The most subscriptions that are kept, and the longest `params` of one.
    static let mostSubscriptions = 64
    static let longestSubscription = 2048

    init(params: [UInt8]) {
        self.params = params
    }

    /// The seed that a client's `initialize` is, whole; nil where it says more than is kept, so that the session ends when
    /// its server loses it.
    init?(initialize request: UnsafeBufferPointer<UInt8>) {
        guard let message = try? JSONValue(parsing: request), let params = message["params"] else { return nil }
        var kept = JSONObject()
        // `_meta` is about the one request.
        for name in ["protocolVersion", "capabilities", "clientInfo"] as [JSONText] { kept[name] = params[name] }
        var bytes = JSONValue.object(kept).bytes
        if bytes.count > Self.longest {
            // Icons may be of any size, and say nothing that a server needs.
            var about = JSONObject()
            for name in ["name", "version"] as [JSONText] { about[name] = params["clientInfo"]?[name] }
            kept["clientInfo"] = .object(about)
            bytes = JSONValue.object(kept).bytes
        }
        guard bytes.count <= Self.longest else { return nil }
        self.params = bytes
    }

    /// Takes note of a request that the server has granted, and that it would have to be asked again.
    ///
    /// - Returns: whether anything has changed.
    mutating func note(_ kind: Wish, params: JSONValue) -> Bool {
        let before = self
        let bytes = params.bytes
        switch kind {
        case .level:
            if bytes.count <= Self.longestSubscription { level = bytes }
        case .subscribe:
            guard let uri = params["uri"]?.string, bytes.count <= Self.longestSubscription else { break }
            if subscriptions.count < Self.mostSubscriptions || subscriptions[uri] != nil { subscriptions[uri] = bytes }
        case .unsubscribe:
            if let uri = params["uri"]?.string { subscriptions[uri] = nil }
        }
        return self != before
    }

    /// What a client asks of a session as such.
    enum Wish {
        case level, subscribe, unsubscribe
    }

    /// The requests that follow on `initialize`, each as a method and its `params`, in an order that is always the same.
    var wishes: [(method: StaticString, params: [UInt8])] {
        var wishes: [(StaticString, [UInt8])] = []
        if let level { wishes.append(("logging/setLevel", level)) }
        for (_, params) in subscriptions.sorted(by: { $0.key < $1.key }) {
            wishes.append(("resources/subscribe", params))
        }
        return wishes
    }
}
