internal import CLibSecret

/// The items that have one name: a search that unlocks nothing and asks nobody.
///
/// There should be one at most. Other programs can make more, and so can a change of the default collection; then the one
/// that was changed last counts.
struct KeyringSearch {
    private let session: KeyringSession
    private let attributes: OpaquePointer?

    /// Searches for what has a name in a namespace; `attributes` outlives this.
    init(_ session: KeyringSession, attributes: OpaquePointer?) {
        self.session = session
        self.attributes = attributes
    }

    /// The secret, or why there is none to be had.
    ///
    /// - Parameter isRight: tells the right one of several; without it the newest is.
    /// - Returns: what was found; where `isRight` accepts nothing, what the newest is.
    func read(accepting isRight: ((_ secret: [UInt8]) -> Bool)? = nil) -> SecretReading {
        found { items in
            guard let item = Self.newest(items) else {
                // Nothing was found, which proves something only of a collection that is there and open.
                switch session.defaultCollection() {
                case .open: return .absent
                case .locked: return .locked
                case .missing: return .unavailable(KeyringSession.noCollection)
                case .unknown(let failure): return SecretReading(failure)
                }
            }
            let newest = load(item)
            guard let isRight else { return newest }
            // A copy that another program has made must not hide the right one. As long as one cannot be read, nobody
            // knows that it is not there.
            var isOneLocked = false
            for each in Self.all(items) {
                switch load(each) {
                case .found(let secret): if isRight(secret) { return .found(secret) }
                case .locked: isOneLocked = true
                case .absent, .cancelled, .unavailable, .corrupt: break
                }
            }
            return isOneLocked ? .locked : newest
        }
    }

    /// Removes every item; nil, or why one is left.
    func removeAll() -> KeyringSession.Failure? {
        remove { _ in true }
    }

    /// Removes the items that hold something else than `secret`, as far as they can be read.
    func removeOthers(than secret: [UInt8]) {
        _ = remove { item in
            if case .found(let other) = load(item) { other != secret } else { false }
        }
    }

    private func remove(_ isChosen: (UnsafeMutablePointer<SecretItem>) -> Bool) -> KeyringSession.Failure? {
        var left: KeyringSession.Failure?
        let reading = found { items in
            for item in Self.all(items) where isChosen(item) {
                guard secret_item_get_locked(item) == 0 else {
                    left = KeyringSession.Failure(words: "it is locked", isLocked: true)
                    continue
                }
                var error: UnsafeMutablePointer<GError>?
                secret_item_delete_sync(item, session.cancellable, &error)
                if let failure = KeyringSession.take(error) { left = failure }
            }
            return .absent
        }
        switch reading {
        case .absent, .found, .cancelled, .corrupt: return left
        case .locked: return KeyringSession.Failure(words: "it is locked", isLocked: true)
        case .unavailable(let why): return KeyringSession.Failure(words: why, isLocked: false)
        }
    }

    private func found(
        _ body: (UnsafeMutablePointer<GList>?) -> SecretReading
    ) -> SecretReading {
        var error: UnsafeMutablePointer<GError>?
        let items = secret_service_search_sync(
            session.service,
            dw_get_schema(),
            attributes,
            SECRET_SEARCH_ALL,
            session.cancellable,
            &error
        )
        defer { dw_free_items(items) }
        if let failure = KeyringSession.take(error) { return SecretReading(failure) }
        return body(items)
    }

    private func load(_ item: UnsafeMutablePointer<SecretItem>) -> SecretReading {
        if secret_item_get_locked(item) != 0 { return .locked }
        var error: UnsafeMutablePointer<GError>?
        secret_item_load_secret_sync(item, session.cancellable, &error)
        if let failure = KeyringSession.take(error) { return SecretReading(failure) }
        guard let value = secret_item_get_secret(item) else { return .locked }
        defer { secret_value_unref(UnsafeMutableRawPointer(value)) }
        var length: gsize = 0
        guard let bytes = secret_value_get(value, &length) else { return .corrupt }
        return .found(Array(UnsafeRawBufferPointer(start: bytes, count: Int(length))))
    }

    private static func newest(_ items: UnsafeMutablePointer<GList>?) -> UnsafeMutablePointer<SecretItem>? {
        all(items).max { secret_item_get_modified($0) < secret_item_get_modified($1) }
    }

    private static func all(_ items: UnsafeMutablePointer<GList>?) -> [UnsafeMutablePointer<SecretItem>] {
        var all: [UnsafeMutablePointer<SecretItem>] = []
        var entry = items
        while let each = entry {
            if let item = dw_item(each) { all.append(item) }
            entry = each.pointee.next
        }
        return all
    }
}

extension SecretReading {
    /// Why nothing could be read.
    fileprivate init(_ failure: KeyringSession.Failure) {
        self = failure.isLocked ? .locked : .unavailable(failure.words)
    }
}
