/// The drawings beside the names of pages, as partials `icon-NAME`; lines in the colour of the text.
enum Icons {
    static let all = Dictionary(uniqueKeysWithValues: paths.map { ("icon-\($0.key)", drawing($0.value)) })

    /// As a file of its own, for the browser's tab: it cannot inherit a colour.
    static let favicon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#2c8576" stroke-width="2" \
        stroke-linecap="round" stroke-linejoin="round">\(paths["door"] ?? "")</svg>
        """
    /// The mark of a list to choose from; between the two grounds that it is seen on.
    static let chevron = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 12 12" fill="none" stroke="#7d8589" stroke-width="2" \
        stroke-linecap="round" stroke-linejoin="round"><path d="M2 4l4 4 4-4"/></svg>
        """

    private static func drawing(_ path: String) -> String {
        """
        <svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" \
        stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">\(path)</svg>
        """
    }

    private static let paths = [
        "agents": #"<rect x="3" y="5" width="18" height="12" rx="2"/><path d="M8 21h8M12 17v4"/>"#,
        "audit": #"<circle cx="11" cy="11" r="6.5"/><path d="M16 16l4.5 4.5M8.5 11h5"/>"#,
        "changes": #"<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>"#,
        "door": #"<path d="M5 21V4.5A1.5 1.5 0 0 1 6.5 3H15l4 2.5V21"/><path d="M3 21h18M15 3v18M11.5 12v1"/>"#,
        "overview": #"<path d="M4 20V11M10 20V4M16 20v-7M21 20H3"/>"#,
        "people":
            #"<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c.6-3.6 3.2-5.5 6.5-5.5s5.9 1.9 6.5 5.5M15.5 4.8a3.5 3.5 0 0 1 0 6.4M18 15c2 .7 3.2 2.5 3.6 5"/>"#,
        "policy":
            #"<path d="M12 3l7.5 2.8v5.4c0 4.6-3 8-7.5 9.8-4.5-1.8-7.5-5.2-7.5-9.8V5.8z"/><path d="M8.8 12l2.3 2.3 4.2-4.6"/>"#,
        "reports":
            #"<path d="M6 3h8l5 5v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z"/><path d="M14 3v5h5M8.5 13h7M8.5 17h5"/>"#,
        "servers":
            #"<rect x="3" y="4" width="18" height="7" rx="1.8"/><rect x="3" y="13" width="18" height="7" rx="1.8"/><path d="M7 7.5h.01M7 16.5h.01"/>"#,
        "settings":
            #"<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>"#,
        "tokens": #"<circle cx="8" cy="15" r="4.5"/><path d="M11.3 11.7L20 3M16 7l3 3M13.5 9.5l2 2"/>"#,
        "tools": #"<path d="M4 6h16M4 12h16M4 18h10"/><path d="M17.5 16.5l1.5 1.5 3-3.5"/>"#,
    ]
}
