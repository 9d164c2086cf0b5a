internal import CLibSecret

/// Asking the user: the only part that makes a keyring open a window.
extension KeyringSession {
    /// Has the keyring ask its user to unlock the default collection, or to make one; whether it is open then.
    func unlockDefault() -> Bool {
        do throws(KeyringFailure) {
            if case .missing = defaultCollection() { try makeDefault() }
            if case .locked(let path) = defaultCollection() { try unlock([path], until: isDefaultOpen) }
        } catch {
            return false
        }
        return isDefaultOpen()
    }

    /// Has the keyring ask its user to open these items or collections, as far as it has to.
    func unlock(_ paths: [String], until isDone: () -> Bool) throws(KeyringFailure) {
        let reply = try call(Self.servicePath, Self.service, "Unlock", .tuple(.paths(paths)), "(aoo)")
        show(reply[1].text, until: isDone)
    }

    /// Shows a prompt and waits for its end, however that comes about: what has come of it is for the caller to look at.
    ///
    /// It ends when the keyring says so, with whatever result; when the keyring or the prompt is gone; when what it is for
    /// has come about in another way; and with the time of this conversation.
    func show(_ path: String, until isDone: () -> Bool) {
        guard path != "/" else { return }
        guard let watch = dw_prompt_watch(link.connection, link.owner, path) else { return }
        defer { dw_prompt_free(watch) }
        let wasThere = isThere(path)
        do throws(KeyringFailure) {
            _ = try call(path, Self.prompt, "Prompt", .tuple(.text("")), "()")
        } catch {
            // Some answer only when the user has.
            guard error.kind == .silent else { return }
        }
        var misses = 0
        while !isCancelled {
            for _ in 0..<4 where dw_prompt_wait(watch, 250) != 0 { return }
            let isAlive = link.isAlive(cancellable)
            if isCancelled || isDone() { break }
            guard isAlive else { return }
            misses = wasThere && !isThere(path) ? misses + 1 : 0
            if misses == 2 { return }
        }
        dismiss(path)
    }

    /// Ends a prompt that is not needed, so that no window is left behind.
    func dismiss(_ path: String) {
        guard path != "/" else { return }
        var error: UnsafeMutablePointer<GError>?
        let nothing = BusValue.tuple()
        let answer = withExtendedLifetime(nothing) {
            dw_call(link.connection, link.owner, path, Self.prompt, "Dismiss", nothing.raw, "()", 1_000, nil, &error)
        }
        if let error { g_error_free(error) }
        _ = BusValue(answer)
    }

    private func isDefaultOpen() -> Bool {
        if case .open = defaultCollection() { true } else { false }
    }

    /// Whether an object is seen to be a prompt, or may be one because the keyring is busy with its window.
    private func isThere(_ path: String) -> Bool {
        do throws(KeyringFailure) {
            let reply = try ask(
                path,
                "org.freedesktop.DBus.Introspectable",
                "Introspect",
                .tuple(),
                "(s)",
                milliseconds: 1_000
            )
            return reply[0].text.contains(Self.prompt)
        } catch {
            // Nothing was learnt: it may be there.
            return error.kind == .silent
        }
    }

    /// Gives the keyring a default collection: the only one that there is, else one that its user makes.
    private func makeDefault() throws(KeyringFailure) {
        let all = try property(Self.servicePath, Self.service, "Collections", "ao").texts
        let lasting = all.filter { !$0.hasSuffix("/session") }
        if lasting.count == 1 {
            // A wallet of KDE is not the default until a program says so; making a second one would not help.
            _ = try? call(
                Self.servicePath,
                Self.service,
                "SetAlias",
                .tuple(.text("default"), .path(lasting[0])),
                "()"
            )
            if hasDefault() { return }
        }
        let label = BusValue.text(link.provider == .kwallet ? "kdewallet" : "Default keyring")
        let properties = BusValue.properties(["\(Self.collection).Label": label])
        let reply = try call(
            Self.servicePath,
            Self.service,
            "CreateCollection",
            .tuple(properties, .text("default")),
            "(oo)"
        )
        show(reply[1].text, until: hasDefault)
    }

    private func hasDefault() -> Bool {
        switch defaultCollection() {
        case .open, .locked: true
        case .missing, .unknown: false
        }
    }
}
