internal import MCP

extension RuleTable {
    /// One question about one client and one server.
    struct Scan {
        let table: RuleTable
        let pool: UnsafeBufferPointer<UInt8>
        let client: NameBytes
        let server: NameBytes
        let arguments: CallArguments
        /// What the definition of the tool that is asked for says of it.
        let hints: ToolHints
        /// What is at the places that rules look at; nil before the first rule does.
        private var values: [ArgumentValue]?

        init(
            table: RuleTable,
            pool: UnsafeBufferPointer<UInt8>,
            client: NameBytes,
            server: NameBytes,
            arguments: CallArguments,
            hints: ToolHints
        ) {
            self.table = table
            self.pool = pool
            self.client = client
            self.server = server
            self.arguments = arguments
            self.hints = hints
        }

        /// Whether a rule has looked at the arguments.
        var hasReadArguments: Bool { values != nil }

        /// The first rule that closes what is asked.
        mutating func firstForbid(_ item: Item) -> Int? {
            for index in table.forbids.indices where holds(table.forbids[index], item) { return index }
            return nil
        }

        /// Every rule that closes what is asked.
        mutating func allForbids(_ item: Item) -> [Int] {
            var all: [Int] = []
            for index in table.forbids.indices where holds(table.forbids[index], item) { all.append(index) }
            return all
        }

        /// Adds what rules demand of what is asked; nothing of what is about no single thing.
        mutating func demand(_ item: Item, of decision: inout Decision) {
            guard item.isAnything else { return }
            for index in table.requirements.indices where holds(table.requirements[index], item) {
                decision.demand(table.demands[index])
            }
        }

        /// The first grant that opens what is asked.
        mutating func firstGrant(_ item: Item) -> Int? {
            for index in table.grants.indices where opens(table.grants[index], item) { return index }
            return nil
        }

        /// Every grant that opens what is asked.
        mutating func allGrants(_ item: Item) -> [Int] {
            var all: [Int] = []
            for index in table.grants.indices where opens(table.grants[index], item) { all.append(index) }
            return all
        }

        /// Whether a rule is about this client and this server.
        func concerns(_ scope: Scope) -> Bool {
            if let pattern = scope.server, !pattern.matches(server, pool: pool) { return false }
            if let clients = scope.clients, !isNamed(client, in: clients) { return false }
            return !isNamed(client, in: scope.spared)
        }

        /// Whether a grant is for this client and this server.
        func concerns(_ grant: Grant) -> Bool {
            guard grant.server.matches(server, pool: pool) else { return false }
            if let clients = grant.clients, !isNamed(client, in: clients) { return false }
            return true
        }

        private mutating func holds(_ scope: Scope, _ item: Item) -> Bool {
            guard concerns(scope), names(scope, item) else { return false }
            if scope.conditions.isEmpty { return true }
            // Only a call has arguments: a rule about some of them says nothing of whatever else is asked.
            guard item.isCall else { return false }
            for index in scope.conditions where truth(index, orIfOpen: .fails) == .fails { return false }
            return true
        }

        private mutating func opens(_ grant: Grant, _ item: Item) -> Bool {
            guard concerns(grant), names(grant, item) else { return false }
            guard item.isCall, !grant.conditions.isEmpty else { return true }
            for index in grant.conditions where truth(index, orIfOpen: .holds) != .holds { return false }
            return true
        }

        // MARK: Names

        private func names(_ scope: Scope, _ item: Item) -> Bool {
            if let annotation = scope.annotation {
                guard case .tool(let name) = item, hints.isSuperset(of: annotation) else { return false }
                return scope.items.isEverything || isNamed(name, in: scope.items.tools)
            }
            if scope.items.isEverything { return true }
            switch item {
            case .tool(let name): return isNamed(name, in: scope.items.tools)
            case .resource(let name, let isAmbiguous):
                // Such a URI may lead anywhere on its server, so also to what the rule names.
                return isAmbiguous ? scope.items.resources != nil : isNamed(name, in: scope.items.resources)
            case .prompt(let name): return isNamed(name, in: scope.items.prompts)
            // A task can be that of any tool: it is closed where every tool is.
            case .task: return isNamed(NameBytes(UnsafeBufferPointer(start: nil, count: 0)), in: scope.items.tools)
            // A rule that names items is about those, and does not apply to a request that is about no item.
            case .method, .serverRequest: return false
            }
        }

        private func names(_ grant: Grant, _ item: Item) -> Bool {
            switch item {
            case .tool(let name): return grant.items.isEverything || isNamed(name, in: grant.items.tools)
            case .resource(let name, let isAmbiguous):
                if grant.items.isEverything { return true }
                return isAmbiguous
                    ? hasEverything(grant.items.resources) : isNamed(name, in: grant.items.resources)
            case .prompt(let name): return grant.items.isEverything || isNamed(name, in: grant.items.prompts)
            case .task: return grant.items.isEverything || grant.items.tools != nil
            case .method: return true
            case .serverRequest(let kind): return grant.serverRequests.contains(kind)
            }
        }

        private func isNamed(_ name: NameBytes, in range: Range<Int>?) -> Bool {
            guard let range else { return false }
            return range.contains { table.patterns[$0].matches(name, pool: pool) }
        }

        private func hasEverything(_ range: Range<Int>?) -> Bool {
            guard let range else { return false }
            return range.contains { table.patterns[$0].isEverything }
        }

        // MARK: Arguments

        /// Whether a condition of a rule holds.
        ///
        /// The arguments are read when the first is asked for.
        ///
        /// - Parameters:
        ///   - index: the condition.
        ///   - open: what makes the rule leave the call open, where that is what an unknown condition is to do.
        /// - Returns: what comes of it.
        private mutating func truth(_ index: Int, orIfOpen open: Truth) -> Truth {
            let condition = table.conditions[index]
            let bytes: UnsafeBufferPointer<UInt8>?
            switch arguments {
            case .json(let json): bytes = json
            case .none: bytes = nil
            case .any: return open
            case .judged(let known, let isOpen):
                return known.first { $0.predicate == condition.predicate }?.truth ?? (isOpen ? open : .unknown)
            }
            let values = self.values ?? table.places.values(in: bytes)
            self.values = values
            return condition.predicate.condition.truth(
                of: values[condition.place],
                in: bytes ?? UnsafeBufferPointer(start: nil, count: 0)
            )
        }

        /// What came of each condition of the rules that are about what is asked.
        mutating func judged(_ item: Item) -> [JudgedCondition] {
            var numbers: [Int] = []
            for scope in table.forbids + table.requirements where concerns(scope) && names(scope, item) {
                numbers += scope.conditions
            }
            for grant in table.grants where concerns(grant) && names(grant, item) { numbers += grant.conditions }
            var all: [JudgedCondition] = []
            for index in numbers {
                let predicate = table.conditions[index].predicate
                guard !all.contains(where: { $0.predicate == predicate }) else { continue }
                all.append(JudgedCondition(predicate: predicate, truth: truth(index, orIfOpen: .unknown)))
            }
            return all
        }
    }

    /// What is asked, with the first bytes of a name at hand.
    enum Item {
        case tool(NameBytes), prompt(NameBytes)
        /// With whether the URI may lead elsewhere than its first bytes say.
        case resource(NameBytes, isAmbiguous: Bool)
        case task
        case method
        case serverRequest(ServerRequest)

        init(_ ask: Ask) {
            switch ask {
            case .tool(let name): self = .tool(NameBytes(name))
            case .resource(let uri):
                self = .resource(NameBytes(uri), isAmbiguous: ResourceURI.isAmbiguous(uri))
            case .prompt(let name): self = .prompt(NameBytes(name))
            case .task: self = .task
            case .method: self = .method
            case .serverRequest(let kind): self = .serverRequest(kind)
            }
        }

        /// Whether it is one thing of a server that is called or read.
        var isAnything: Bool {
            switch self {
            case .tool, .prompt, .resource: true
            case .task, .method, .serverRequest: false
            }
        }

        /// Whether it has arguments.
        var isCall: Bool {
            switch self {
            case .tool, .prompt: true
            case .resource, .task, .method, .serverRequest: false
            }
        }
    }
}
