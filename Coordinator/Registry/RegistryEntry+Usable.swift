internal import Contract
internal import StrictJSON

extension RegistryEntry {
    /// The beginning of the names that `servers add` makes up.
    static let ownNames = "local.doorward/"

    /// Throws where no agent would call, and where the entry has a name that is made up for another alias.
    func refuseUnusable() throws(ShapeError) {
        try refuseUnreachable()
        let name = summary.name
        guard name.lowercased().hasPrefix(Self.ownNames), name != Self.ownNames + server.alias else { return }
        throw ShapeError("name", "must be \(Self.ownNames)\(server.alias): such names are those of aliases")
    }
}
