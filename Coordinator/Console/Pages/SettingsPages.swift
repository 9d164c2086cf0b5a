internal import Contract
internal import Rights
internal import StrictJSON

/// How the coordinator is set up: read here, set where it is started.
struct SettingsPages: Sendable {
    let settings: CoordinatorSettings

    var pages: [ConsolePage] {
        [
            ConsolePage("GET", "/settings", for: Right.ReadPeople.self) { visit, _ in
                .page(
                    SectionsView(
                        sections: settings.groups.map { group in
                            var section = Section(group.id, group.name, about: group.about)
                            section.facts = Facts(
                                group.values.map { ($0.name, Cell($0.value, small: $0.about, isCode: $0.isCode)) }
                            )
                            return section
                        }
                    ),
                    in: visit.shell(
                        .settings,
                        "Settings",
                        lede:
                            "How this coordinator is set up. Options are given where it is started, so that no page can weaken it."
                    )
                )
            }
        ]
    }
}
