internal import Contract
internal import StrictJSON

/// One of the ways in which a server's maker offers it, and whether agents can take it.
struct ServerOffer {
    /// `remote`, `package`, or `program` for one that our settings in the document name.
    let kind: String
    let index: Int
    /// The URL or the package.
    let what: String
    /// The values that have to be given.
    let needs: [String]
    /// Why it cannot be taken as it is offered; nil: it can.
    let problem: String?

    /// All ways of a document, in its order.
    static func all(of document: ServerDocument) -> [ServerOffer] {
        document.remotes.indices.map { remote(document, $0) } + document.packages.indices.map { package(document, $0) }
            + program(document)
    }

    var json: JSONValue {
        [
            "kind": .text(kind), "index": .int(index), "what": .text(what),
            "needs": .array(needs.map { .text($0) }), "problem": problem.map { .text($0) } ?? .null,
        ]
    }

    private static func remote(_ document: ServerDocument, _ index: Int) -> ServerOffer {
        let remote = document.remotes[index]
        let needs = remote.variables.filter { $0.value.value == nil && $0.value.standard == nil }.keys.sorted()
        var choice = EntryChoice()
        choice.remote = index
        // What stands for a value that only an administrator knows.
        choice.values = Dictionary(uniqueKeysWithValues: needs.map { ($0, "x") })
        return ServerOffer(
            kind: "remote",
            index: index,
            what: remote.url,
            needs: needs,
            problem: problem(document, choice)
        )
    }

    private static func package(_ document: ServerDocument, _ index: Int) -> ServerOffer {
        let package = document.packages[index]
        let version = package.version.map { " \($0)" } ?? ""
        var problem: String?
        if package.transport != "stdio" {
            problem = "agents start no servers that listen themselves"
        } else if case .failure(let error) = Result(catching: {
            try PackageCommand(package: package, place: "packages/\(index)").download()
        }) {
            problem = "\(error)"
        }
        return ServerOffer(
            kind: "package",
            index: index,
            what: "\(package.registry) \(package.identifier)\(version)",
            needs: Self.needs(package),
            problem: problem
        )
    }

    private static func needs(_ package: ServerDocument.Package) -> [String] {
        let arguments = package.arguments.map { ($0.label, $0.input) }
        let variables = package.environment.filter { !$0.input.isSecret }.map { ($0.name, $0.input) }
        return (arguments + variables).flatMap { label, input in
            let inner = input.variables.filter { $0.value.value == nil && $0.value.standard == nil }.keys.sorted()
            return (input.isRequired && input.value == nil && input.standard == nil ? [label] : []) + inner
        }
    }

    private static func program(_ document: ServerDocument) -> [ServerOffer] {
        guard let command = document.meta.settings?["stdio"]?["command"]?.text else { return [] }
        return [
            ServerOffer(kind: "program", index: 0, what: command, needs: [], problem: problem(document, EntryChoice()))
        ]
    }

    private static func problem(_ document: ServerDocument, _ choice: EntryChoice) -> String? {
        var choice = choice
        // An alias is no matter of the offer.
        choice.alias = choice.alias ?? "alias"
        do {
            _ = try EntryMaker(document: document).entry(choice)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
