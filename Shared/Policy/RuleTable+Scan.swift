internal import MCP

extension RuleTable {
    /// One question about one client and one server.
    struct Scan {
        let table: RuleTable
        let pool: UnsafeBufferPointer<UInt8>
        let client: NameBytes
        let server: NameBytes

        /// The first rule that closes what is asked.
        func firstForbid(_ ask: Ask) -> Int? {
            let item = Item(ask)
            return table.forbids.indices.first { closes(table.forbids[$0], item) }
        }

        /// Every rule that closes what is asked.
        func allForbids(_ ask: Ask) -> [Int] {
            let item = Item(ask)
            return table.forbids.indices.filter { closes(table.forbids[$0], item) }
        }

        /// The first grant that opens what is asked.
        func firstGrant(_ ask: Ask) -> Int? {
            let item = Item(ask)
            return table.grants.indices.first { opens(table.grants[$0], item) }
        }

        /// Every grant that opens what is asked.
        func allGrants(_ ask: Ask) -> [Int] {
            let item = Item(ask)
            return table.grants.indices.filter { opens(table.grants[$0], item) }
        }

        /// Whether a rule is about this client and this server.
        func concerns(_ forbid: Forbid) -> Bool {
            if let pattern = forbid.server, !pattern.matches(server, pool: pool) { return false }
            if let pattern = forbid.client, !pattern.matches(client, pool: pool) { return false }
            return true
        }

        /// Whether a grant is for this client and this server.
        func concerns(_ grant: Grant) -> Bool {
            guard grant.server.matches(server, pool: pool) else { return false }
            if let clients = grant.clients, !isNamed(client, in: clients) { return false }
            return true
        }

        private func closes(_ forbid: Forbid, _ item: Item) -> Bool {
            guard concerns(forbid) else { return false }
            if forbid.items.isEverything { return true }
            switch item {
            case .tool(let name): return isNamed(name, in: forbid.items.tools)
            case .resource(let name, let isAmbiguous):
                // Such a URI may lead anywhere on its server, so also to what the rule names.
                return isAmbiguous ? forbid.items.resources != nil : isNamed(name, in: forbid.items.resources)
            case .prompt(let name): return isNamed(name, in: forbid.items.prompts)
            // A task can be that of any tool: it is closed where every tool is.
            case .task: return isNamed(NameBytes(UnsafeBufferPointer(start: nil, count: 0)), in: forbid.items.tools)
            // A rule that names items is about those, and does not apply to a request that is about no item.
            case .method, .serverRequest: return false
            }
        }

        private func opens(_ grant: Grant, _ item: Item) -> Bool {
            guard concerns(grant) else { return false }
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
    }
}
