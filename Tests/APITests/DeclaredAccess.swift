import Rights

/// Who may use each operation, written down once more: what is served is compared with this, and with nothing else.
///
/// A new operation has a row here before it is served to anybody in a test.
enum DeclaredAccess {
    /// Who an operation is for.
    enum Who: Equatable {
        /// Anybody, without a proof.
        case anybody
        /// Anybody, by a form on one of the coordinator's own pages.
        case form
        /// A person in a browser, for that session.
        case browser
        /// An enrolled machine, for itself, of whatever person; no token.
        case machine
        /// This role and those above it, by a machine, by a token of the scope `admin`, or by one of these scopes.
        case from(Role, Set<Scope>)
    }

    static let operations: [String: Who] = [
        "GET /healthz": .anybody,
        "GET /readyz": .anybody,
        "GET /openapi.json": .anybody,
        "GET /metrics": .from(.admin, [.read, .metrics]),
        "GET /v1/identity": .anybody,
        "POST /v1/enrolments": .anybody,

        "GET /sign-in": .anybody,
        "GET /sign-in/style.css": .anybody,
        "GET /oidc/callback": .anybody,
        "GET /sign-in/link/{secret}": .anybody,
        "POST /sign-in/link": .form,
        "POST /sign-out": .browser,
        "GET /v1/session": .browser,
        "POST /v1/sign-in-links": .machine,

        "GET /v1/servers": .from(.auditor, [.read]),
        "POST /v1/servers": .from(.admin, []),
        "PUT /v1/servers/{alias}": .from(.admin, []),
        "GET /v1/servers/{alias}": .from(.auditor, [.read]),
        "DELETE /v1/servers/{alias}": .from(.admin, []),
        "GET /v1/servers/{alias}/versions": .from(.auditor, [.read]),
        "PUT /v1/servers/{alias}/version": .from(.admin, []),
        "PUT /v1/servers/{alias}/status": .from(.admin, []),
        "GET /v1/settings/registry": .from(.auditor, [.read]),
        "PUT /v1/settings/registry": .from(.admin, []),
        "GET /v1/upstreams": .from(.auditor, [.read]),
        "POST /v1/upstreams/{name}/pull": .from(.admin, []),
        "GET /v0.1/servers": .from(.member, [.read]),
        "GET /v0.1/servers/{serverName}/versions": .from(.member, [.read]),
        "GET /v0.1/servers/{serverName}/versions/{version}": .from(.member, [.read]),
        "OPTIONS /v0.1/servers": .anybody,
        "OPTIONS /v0.1/servers/{serverName}/versions": .anybody,
        "OPTIONS /v0.1/servers/{serverName}/versions/{version}": .anybody,
        "POST /v1/imports": .from(.admin, []),
        "GET /v1/proposals": .from(.auditor, [.read]),
        "GET /v1/proposals/{id}": .from(.auditor, [.read]),
        "POST /v1/proposals/{id}/review": .from(.admin, []),
        "POST /v1/proposals/{id}/approval": .from(.admin, []),
        "POST /v1/proposals/{id}/rejection": .from(.admin, []),
        "GET /v1/tools": .from(.auditor, [.read]),
        "POST /v1/tools/approvals": .from(.admin, []),
        "POST /v1/tools/approvals/all": .from(.admin, []),

        "GET /v1/policy": .from(.auditor, [.read, .policy]),
        "PUT /v1/policy": .from(.editor, [.policy]),
        "POST /v1/policy/check": .from(.auditor, [.policy]),
        "GET /v1/roles": .from(.auditor, [.read]),

        "GET /v1/limits": .from(.auditor, [.read, .policy]),
        "GET /v1/users": .from(.auditor, [.read]),
        "GET /v1/users/{id}": .from(.auditor, [.read]),
        "PUT /v1/users/{id}/lock": .from(.admin, []),
        "DELETE /v1/users/{id}/lock": .from(.admin, []),
        "GET /v1/groups": .from(.auditor, [.read]),
        "GET /v1/groups/{name}": .from(.auditor, [.read]),
        "PUT /v1/groups/{name}": .from(.admin, []),
        "DELETE /v1/groups/{name}": .from(.admin, []),
        "GET /v1/changes": .from(.auditor, [.audit]),
        "GET /v1/changes/{position}": .from(.auditor, [.audit]),
        "PUT /v1/users/{id}": .from(.admin, []),
        "DELETE /v1/users/{id}": .from(.admin, []),
        "GET /v1/invitations": .from(.auditor, [.read]),
        "GET /v1/invitations/{id}": .from(.auditor, [.read]),
        "POST /v1/invitations": .from(.admin, []),
        "DELETE /v1/invitations/{id}": .from(.admin, []),
        "GET /v1/tokens": .from(.auditor, [.read]),
        "POST /v1/tokens": .from(.auditor, []),
        "DELETE /v1/tokens/{name}": .from(.auditor, []),

        "GET /v1/agents": .from(.auditor, [.read]),
        "GET /v1/agents/{id}": .from(.auditor, [.read]),
        "PUT /v1/agents/{id}/lock": .from(.admin, []),
        "DELETE /v1/agents/{id}/lock": .from(.admin, []),
        "DELETE /v1/agents/{id}": .from(.admin, []),
        "GET /v1/agents/{id}/log": .from(.auditor, [.audit]),
        "DELETE /v1/agents/{id}/log": .from(.owner, []),
        "POST /v1/reports": .from(.auditor, [.audit]),

        "GET /v1/agent/bundle": .machine,
        "POST /v1/agent/tools": .machine,
        "POST /v1/agent/health": .machine,
        "POST /v1/agent/leave": .machine,
        "GET /v1/agent-log": .machine,
        "POST /v1/agent-log": .machine,
    ]
}
