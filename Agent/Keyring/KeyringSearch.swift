/// The items that have one name, in an open keyring; nothing here asks anybody.
///
/// There should be one at most. Other programs can make more, and so can a change of the default collection; then the one
/// that was changed last counts.
struct KeyringSearch {
    /// What the keyring says of an item without being asked for its secret.
    struct Item: Sendable {
        let path: String
        let isLocked: Bool
        /// Seconds since 1970.
        let modified: UInt64
        /// The schema that it was made by; nil where that is not kept.
        let schema: String?
    }

    private static let schema = "dev.doorward.Secret"
    /// What takes the place of a secret whose item cannot be removed without a window.
    private static let removed = Array("removed by doorward".utf8)
    private let session: KeyringSession
    private let attributes: [String: String]

    init(_ session: KeyringSession, _ attributes: [String: String]) {
        self.session = session
        self.attributes = attributes
    }

    // MARK: Reading

    /// The secret, or why it cannot be had.
    ///
    /// Whether the collection is open is looked at before anything is searched: KeePassXC asks its user for a search.
    ///
    /// - Parameter isRight: tells the right one of several; without it the newest is.
    /// - Returns: what was found; where `isRight` accepts nothing, what the newest is.
    func read(accepting isRight: ((_ secret: [UInt8]) -> Bool)? = nil) -> SecretReading {
        do throws(KeyringFailure) {
            _ = try openCollection()
            let all = try items()
            guard let newest = Self.newest(Self.ours(all)) else {
                // It proves something only of a collection that is still open.
                _ = try openCollection()
                return all.isEmpty ? .absent : .foreign
            }
            guard let isRight else {
                let reading = try load(newest)
                return reading == .found(Self.removed) ? .absent : reading
            }
            // A copy that another program has made must not hide the right one. As long as one cannot be read, it is
            // unknown whether it is the right one.
            var unread: SecretReading?
            var first: SecretReading?
            for each in all {
                let reading = try load(each)
                switch reading {
                case .found(let secret): if isRight(secret) { return reading }
                case .locked, .guarded: unread = reading
                case .absent, .cancelled, .unavailable, .elsewhere, .corrupt, .foreign: break
                }
                if each.path == newest.path { first = reading }
            }
            let reading = unread ?? first ?? .corrupt
            return reading == .found(Self.removed) ? .absent : reading
        } catch {
            return SecretReading(error)
        }
    }

    private func load(_ item: Item) throws(KeyringFailure) -> SecretReading {
        do throws(KeyringFailure) {
            if item.isLocked { throw KeyringFailure("it is locked", .locked) }
            let secret = try session.secret(of: item.path)
            // No secret of ours is empty: KWallet answers so for a wallet that has been closed.
            return secret.isEmpty ? .locked : .found(secret)
        } catch {
            guard error.kind == .locked else { throw error }
            // In a collection that is open, it is the item that its keyring keeps to itself.
            guard case .open(let path) = session.defaultCollection() else { return .locked }
            return Self.isIn(path, item) ? .guarded : .locked
        }
    }

    // MARK: Changing

    /// Stores a secret: in the item that is there, else in a new one of the default collection.
    ///
    /// An item is changed and never replaced: KeePassXC asks its user for the latter, whatever its settings.
    ///
    /// - Parameters:
    ///   - secret: any bytes, but at least one.
    ///   - label: what the user sees of a new item.
    ///   - mayPrompt: whether the keyring may ask its user before it makes one.
    /// - Throws: why it is not stored.
    func store(_ secret: [UInt8], label: String, mayPrompt: Bool) throws(KeyringFailure) {
        let collection = try openCollection()
        let ours = Self.ours(try items())
        let value = try session.encoded(secret)
        let kept: String?
        // Where it is, as long as that lasts: with KeePassXC the default is the database that its user looks at.
        let lasting = ours.filter { !$0.path.hasPrefix(KeyringSession.fleeting) }
        let near = lasting.filter { Self.isIn(collection, $0) }
        if let item = Self.newest(near) ?? Self.newest(lasting.filter { !$0.isLocked }) {
            guard !item.isLocked else { throw KeyringFailure("it asks for this entry", .guarded) }
            _ = try session.call(item.path, KeyringSession.item, "SetSecret", .tuple(value), "()")
            kept = item.path
        } else {
            kept = try create(value, label, in: collection, mayPrompt)
        }
        session.link.isFlushed = session.flush(collection)
        // One of an equal name elsewhere would come before this one as soon as it is touched.
        guard let kept else { return }
        for other in ours where other.path != kept && !other.isLocked { try? delete(other) }
    }

    private func create(
        _ value: BusValue,
        _ label: String,
        in collection: String,
        _ mayPrompt: Bool
    ) throws(KeyringFailure) -> String? {
        let properties = BusValue.properties([
            "\(KeyringSession.item).Label": .text(label),
            "\(KeyringSession.item).Attributes": .texts(attributes.merging(["xdg:schema": Self.schema]) { $1 }),
        ])
        let reply = try session.call(
            collection,
            KeyringSession.collection,
            "CreateItem",
            .tuple(properties, value, .flag(false)),
            "(oo)"
        )
        let prompt = reply[1].text
        guard prompt != "/" else { return reply[0].text }
        // KeePassXC calls it a prompt, and shows no window for a new entry of a database that is open.
        guard mayPrompt || session.link.provider == .keepassXC else {
            session.dismiss(prompt)
            throw KeyringFailure("it asks before it takes an entry", .guarded)
        }
        session.show(prompt) { false }
        return nil
    }

    /// Removes every item of ours.
    func removeAll() throws(KeyringFailure) {
        _ = try openCollection()
        var left: KeyringFailure?
        for item in Self.ours(try items()) {
            do throws(KeyringFailure) {
                if item.isLocked { throw KeyringFailure("it asks for this entry", .guarded) }
                try delete(item)
            } catch {
                left = error
            }
        }
        if let left { throw left }
    }

    /// Removes an item, or at least its secret: KeePassXC asks its user before it removes an entry, and not before it
    /// changes one.
    private func delete(_ item: Item) throws(KeyringFailure) {
        let prompt = try session.call(item.path, KeyringSession.item, "Delete", .tuple(), "(o)")[0].text
        guard prompt != "/" else { return }
        session.dismiss(prompt)
        let nothing = try session.encoded(Self.removed)
        _ = try session.call(item.path, KeyringSession.item, "SetSecret", .tuple(nothing), "()")
    }

    /// Throws where the collection, or an item of ours in it, is not open.
    func checkOpen() throws(KeyringFailure) {
        let collection = try openCollection()
        let isGuarded = Self.ours(try items()).contains { $0.isLocked && Self.isIn(collection, $0) }
        if isGuarded { throw KeyringFailure("it asks for this entry", .guarded) }
    }

    /// Has the keyring ask its user for the items that it keeps to itself.
    func unlockItems() {
        guard (try? openCollection()) != nil, let all = try? items() else { return }
        let locked = Self.ours(all).filter(\.isLocked)
        guard !locked.isEmpty else { return }
        try? session.unlock(locked.map(\.path)) { false }
    }

    // MARK: Parts

    /// The default collection; throws where it is not open.
    private func openCollection() throws(KeyringFailure) -> String {
        switch session.defaultCollection() {
        case .open(let path): return path
        case .locked(let path):
            guard session.opensQuietly(path) else { throw KeyringFailure("it is locked", .locked) }
            return path
        case .missing: throw KeyringFailure(KeyringSession.noCollection)
        case .unknown(let failure): throw failure
        }
    }

    private func items() throws(KeyringFailure) -> [Item] {
        let reply = try session.call(
            KeyringSession.servicePath,
            KeyringSession.service,
            "SearchItems",
            .tuple(.texts(attributes)),
            "(aoao)"
        )
        var items: [Item] = []
        for path in reply[0].texts { items.append(item(path, isLocked: false)) }
        for path in reply[1].texts { items.append(item(path, isLocked: true)) }
        return items
    }

    private func item(_ path: String, isLocked: Bool) -> Item {
        // Of a locked one some keyrings tell nothing more.
        let facts = try? session.allProperties(path, KeyringSession.item)
        return Item(
            path: path,
            isLocked: facts?.member("Locked", "b")?.flag ?? isLocked,
            modified: facts?.member("Modified", "t")?.number ?? 0,
            schema: facts?.member("Attributes", "a{ss}")?.text(of: "xdg:schema")
        )
    }

    /// Those that Doorward has made: what another program has made under the same attributes names another schema, or none.
    private static func ours(_ items: [Item]) -> [Item] {
        let named = items.filter { $0.schema == schema }
        // A keyring may not keep it.
        return named.isEmpty ? items.filter { $0.schema == nil } : named
    }

    private static func newest(_ items: [Item]) -> Item? { items.max { $0.modified < $1.modified } }

    private static func isIn(_ collection: String, _ item: Item) -> Bool { item.path.hasPrefix("\(collection)/") }
}

extension SecretReading {
    /// Why nothing could be read.
    fileprivate init(_ failure: KeyringFailure) {
        switch failure.kind {
        case .locked: self = .locked
        case .guarded: self = .guarded
        case .silent, .lost, .other: self = .unavailable(failure.words)
        }
    }
}
