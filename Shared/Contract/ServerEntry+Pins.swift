internal import StrictJSON

extension ServerEntry {
    /// Who has to agree to the definition of a tool before clients are shown it.
    package enum Pins: String, Sendable, CaseIterable {
        /// Nobody for what the server showed first, an administrator for whatever changes or is new after that.
        case firstUse = "first-use"
        /// An administrator, for every one.
        case approve
    }
}

extension ServerEntry {
    /// Whether policies may go by what the server says that its tools do.
    package enum Annotations: String, Sendable, CaseIterable {
        /// Whatever it says, a tool changes things for good and reaches beyond the server.
        case untrusted
        /// An administrator takes its word for it, as far as its definitions are approved.
        case trusted
    }
}

extension ObjectReader {
    /// `annotations`, which an entry may leave out.
    mutating func annotations() throws(ShapeError) -> ServerEntry.Annotations {
        optional("annotations") == nil ? .untrusted : try word("annotations", ServerEntry.Annotations.self)
    }

    /// `pins`, which an entry may leave out.
    mutating func pins() throws(ShapeError) -> ServerEntry.Pins {
        optional("pins") == nil ? .firstUse : try word("pins", ServerEntry.Pins.self)
    }
}
