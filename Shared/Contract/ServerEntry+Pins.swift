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

extension ObjectReader {
    /// `pins`, which an entry may leave out.
    mutating func pins() throws(ShapeError) -> ServerEntry.Pins {
        optional("pins") == nil ? .firstUse : try word("pins", ServerEntry.Pins.self)
    }
}
