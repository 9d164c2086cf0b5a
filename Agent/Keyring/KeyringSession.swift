internal import CLibSecret

/// One conversation with the keyring, on one thread.
struct KeyringSession {
    /// Why something did not work, in the keyring's own words.
    struct Failure: Sendable {
        let words: String
        let isLocked: Bool
    }

    /// How the collection stands that secrets go into.
    enum DefaultCollection: Sendable {
        case open, locked
        /// There is none yet, or its file is not open in the program that serves it.
        case missing
        case unknown(Failure)
    }

    /// What is said of a keyring that has nowhere to store anything.
    static let noCollection = "it has no default collection"

    let service: UnsafeMutablePointer<CLibSecret.SecretService>
    let cancellable: UnsafeMutablePointer<GCancellable>

    /// Turns an error that a call left behind into words; nil where it left none.
    static func take(_ error: UnsafeMutablePointer<GError>?) -> Failure? {
        guard let error else { return nil }
        defer { g_error_free(error) }
        if dw_is_cancelled(error) != 0 { return Failure(words: "it does not answer", isLocked: false) }
        let words = error.pointee.message.map { String(cString: $0) } ?? "it gives no reason"
        return Failure(words: words, isLocked: dw_is_locked_error(error) != 0)
    }

    func defaultCollection() -> DefaultCollection {
        switch openDefault() {
        case .failure(let failure): return .unknown(failure)
        case .success(nil): return .missing
        case .success(let collection?):
            defer { dw_unref(collection) }
            return secret_collection_get_locked(collection) != 0 ? .locked : .open
        }
    }

    /// Has the keyring ask its user to unlock the default collection, or to make one; whether it is open then.
    func unlockDefault() -> Bool {
        guard case .success(let found) = openDefault() else { return false }
        var error: UnsafeMutablePointer<GError>?
        guard let found else {
            let made = secret_collection_create_sync(
                service,
                "Default keyring",
                SECRET_COLLECTION_DEFAULT,
                SECRET_COLLECTION_CREATE_NONE,
                cancellable,
                &error
            )
            defer { dw_unref(made) }
            return Self.take(error) == nil && made != nil
        }
        defer { dw_unref(found) }
        let list = dw_list(found)
        defer { g_list_free(list) }
        var unlocked: UnsafeMutablePointer<GList>?
        let count = secret_service_unlock_sync(service, list, cancellable, &unlocked, &error)
        dw_free_items(unlocked)
        return Self.take(error) == nil && count > 0
    }

    private enum Opening {
        case success(UnsafeMutablePointer<SecretCollection>?)
        case failure(Failure)
    }

    private func openDefault() -> Opening {
        var error: UnsafeMutablePointer<GError>?
        let collection = secret_collection_for_alias_sync(
            service,
            SECRET_COLLECTION_DEFAULT,
            SECRET_COLLECTION_NONE,
            cancellable,
            &error
        )
        if let failure = Self.take(error) {
            dw_unref(collection)
            return .failure(failure)
        }
        return .success(collection)
    }
}
