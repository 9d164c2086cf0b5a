internal import CLibSecret

/// One conversation with the keyring, on one thread.
struct KeyringSession {
    /// Why something did not work, in the keyring's own words.
    struct Failure {
        let words: String
        let isLocked: Bool
    }

    let service: UnsafeMutablePointer<CLibSecret.SecretService>
    let cancellable: UnsafeMutablePointer<GCancellable>

    /// Turns an error that a call left behind into words; nil where it left none.
    func take(_ error: UnsafeMutablePointer<GError>?) -> Failure? {
        Self.take(error)
    }

    static func take(_ error: UnsafeMutablePointer<GError>?) -> Failure? {
        guard let error else { return nil }
        defer { g_error_free(error) }
        if dw_is_cancelled(error) != 0 { return Failure(words: "it does not answer", isLocked: false) }
        let words = error.pointee.message.map { String(cString: $0) } ?? "it gives no reason"
        return Failure(words: words, isLocked: dw_is_locked_error(error) != 0)
    }

    /// Whether the default collection is locked; nil where there is none.
    func isDefaultLocked() -> Bool? {
        guard let collection = defaultCollection() else { return nil }
        defer { dw_unref(collection) }
        return secret_collection_get_locked(collection) != 0
    }

    /// Has the keyring ask its user to unlock the default collection; whether it is unlocked then.
    func unlockDefault() -> Bool {
        guard let collection = defaultCollection() else { return false }
        defer { dw_unref(collection) }
        let list = dw_list(collection)
        defer { g_list_free(list) }
        var unlocked: UnsafeMutablePointer<GList>?
        var error: UnsafeMutablePointer<GError>?
        let count = secret_service_unlock_sync(service, list, cancellable, &unlocked, &error)
        dw_free_items(unlocked)
        return take(error) == nil && count > 0
    }

    private func defaultCollection() -> UnsafeMutablePointer<SecretCollection>? {
        var error: UnsafeMutablePointer<GError>?
        let collection = secret_collection_for_alias_sync(
            service,
            SECRET_COLLECTION_DEFAULT,
            SECRET_COLLECTION_NONE,
            cancellable,
            &error
        )
        if take(error) != nil {
            dw_unref(collection)
            return nil
        }
        return collection
    }
}

/// A search for one secret that unlocks nothing and asks nobody.
struct KeyringSearch {
    private let session: KeyringSession
    private let namespace: String
    private let name: String

    init(_ session: KeyringSession, namespace: String, name: String) {
        self.session = session
        self.namespace = namespace
        self.name = name
    }

    func read() -> SecretReading {
        let attributes = dw_attributes(namespace, name)
        defer { g_hash_table_unref(attributes) }
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
        if let failure = session.take(error) { return failure.isLocked ? .locked : .unavailable(failure.words) }
        guard let item = newest(items) else {
            // Nothing was found, which proves something only of a collection that is open.
            switch session.isDefaultLocked() {
            case false?: return .absent
            case true?: return .locked
            // A keyring that has no collection yet has no secret either.
            case nil: return .absent
            }
        }
        if secret_item_get_locked(item) != 0 { return .locked }
        return load(item)
    }

    private func load(_ item: UnsafeMutablePointer<SecretItem>) -> SecretReading {
        var error: UnsafeMutablePointer<GError>?
        secret_item_load_secret_sync(item, session.cancellable, &error)
        if let failure = session.take(error) { return failure.isLocked ? .locked : .unavailable(failure.words) }
        guard let value = secret_item_get_secret(item) else { return .locked }
        defer { secret_value_unref(UnsafeMutableRawPointer(value)) }
        var length: gsize = 0
        guard let bytes = secret_value_get(value, &length) else { return .corrupt }
        return .found(Array(UnsafeRawBufferPointer(start: bytes, count: Int(length))))
    }

    /// Of several items of one name, which another program may have made, the one that was changed last.
    private func newest(_ items: UnsafeMutablePointer<GList>?) -> UnsafeMutablePointer<SecretItem>? {
        var newest: UnsafeMutablePointer<SecretItem>?
        var entry = items
        while let each = entry {
            if let item = dw_item(each) {
                let isNewer = newest.map { secret_item_get_modified(item) > secret_item_get_modified($0) } ?? true
                if isNewer { newest = item }
            }
            entry = each.pointee.next
        }
        return newest
    }
}
