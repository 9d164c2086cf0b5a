internal import Bytes
internal import Crypto

/// The one stylesheet; its colours are those of the coordinator's console.
enum Look {
    static let style = [colours, ground, parts, narrow].joined(separator: "\n")

    /// What a browser may do with a page: show it with this style and its drawing, and send its forms back here.
    ///
    /// No script, nothing from elsewhere, no frame of or around it.
    static let policy =
        "default-src 'none'; style-src 'self' 'sha256-\(Base64.standard(Array(SHA256.hash(data: Array(style.utf8)))))'; "
        + "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    /// A door, for the browser's tab.
    static let icon = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#2c8576" stroke-width="2" \
        stroke-linecap="round" stroke-linejoin="round"><path d="M5 21V4.5A1.5 1.5 0 0 1 6.5 3H15l4 2.5V21"/>\
        <path d="M3 21h18M15 3v18M11.5 12v1"/></svg>
        """

    private static let colours = """
        :root {
          color-scheme: light dark;
          --paper: #f6f6f3; --surface: #ffffff; --sunken: #efefeb; --line: #e2e2dc; --line-strong: #8a8d88;
          --ink: #1b1e20; --soft: #565c62; --accent: #14655a; --accent-ink: #ffffff; --accent-wash: #e3f0ed;
          --good: #1b6b43; --good-wash: #e2f2e9; --warn: #855000; --warn-wash: #fbefd9;
          --bad: #a3271f; --bad-wash: #fbe7e4; --calm: #4a5560; --calm-wash: #e9ecef;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #111415; --surface: #191d1f; --sunken: #14181a; --line: #2b3134; --line-strong: #7d8589;
            --ink: #e8eae8; --soft: #a4abb0; --accent: #7cd0bf; --accent-ink: #08211c; --accent-wash: #17312d;
            --good: #7fd3a3; --good-wash: #16301f; --warn: #e9b867; --warn-wash: #35270f;
            --bad: #f29c93; --bad-wash: #3b1a18; --calm: #b3bcc3; --calm-wash: #252b30;
          }
        }
        """

    private static let ground = """
        *, *::before, *::after { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
          font: 400 0.9375rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
        h1, h2 { line-height: 1.25; letter-spacing: -0.012em; margin: 0; font-weight: 640; }
        h1 { font-size: 1.5rem; }
        h2 { font-size: 1.0625rem; }
        p { margin: 0; max-width: 68ch; }
        a { color: var(--accent); text-underline-offset: 0.18em; }
        code { background: var(--sunken); border-radius: 5px; padding: 0.1em 0.35em; font-size: 0.86em;
          font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", "Liberation Mono", monospace; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
        .soft, small { color: var(--soft); }
        small { display: block; font-size: 0.82rem; font-weight: 400; }
        .skip { position: absolute; left: 1rem; top: -4rem; padding: 0.6rem 1rem; background: var(--accent);
          color: var(--accent-ink); border-radius: 8px; }
        .skip:focus { top: 1rem; }
        """

    private static let parts = """
        .bar { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: center; background: var(--surface);
          border-bottom: 1px solid var(--line); padding: 0.8rem clamp(1rem, 4vw, 2.5rem); }
        .brand { font-weight: 680; font-size: 1.0625rem; color: var(--ink); text-decoration: none; }
        .bar nav { display: flex; gap: 0.25rem; flex: 1; }
        .bar nav a { padding: 0.3rem 0.8rem; border-radius: 99px; color: var(--soft); text-decoration: none;
          white-space: nowrap; }
        .bar nav a:hover { background: var(--sunken); color: var(--ink); }
        .bar nav a[aria-current] { background: var(--accent-wash); color: var(--accent); font-weight: 580; }
        main { padding: 2rem clamp(1rem, 4vw, 2.5rem) 4rem; display: grid; gap: 1.5rem; max-width: 72rem; margin: 0 auto; }
        main > * { min-width: 0; }
        .head { display: flex; flex-wrap: wrap; gap: 0.75rem 1.5rem; align-items: end; justify-content: space-between; }
        .card { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
        .card > header { padding: 1rem 1.25rem; display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: baseline;
          justify-content: space-between; }
        .card > p, .card > dl { padding: 0 1.25rem 1.1rem; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
        th, td { text-align: left; padding: 0.6rem 1.25rem 0.6rem 0; vertical-align: baseline;
          border-top: 1px solid var(--line); }
        th:first-child, td:first-child { padding-left: 1.25rem; }
        thead th { font-weight: 520; font-size: 0.84rem; color: var(--soft); background: var(--sunken);
          white-space: nowrap; padding-block: 0.45rem; }
        tbody th { font-weight: 560; }
        .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        .badge { display: inline-flex; align-items: center; gap: 0.35rem; padding: 0.05rem 0.55rem; border-radius: 99px;
          font-size: 0.8rem; font-weight: 540; background: var(--calm-wash); color: var(--calm); white-space: nowrap; }
        .badge::before { content: ""; width: 0.42rem; height: 0.42rem; border-radius: 50%; background: currentColor; }
        .good { background: var(--good-wash); color: var(--good); }
        .warn { background: var(--warn-wash); color: var(--warn); }
        .bad { background: var(--bad-wash); color: var(--bad); }
        .note { border-radius: 10px; padding: 0.85rem 1.1rem; display: grid; gap: 0.25rem; color: var(--ink);
          border: 1px solid var(--line); border-left-width: 4px; background: var(--surface); }
        .note.bad { border-color: var(--bad); background: var(--bad-wash); }
        .note.warn { border-color: var(--warn); background: var(--warn-wash); }
        .note.good { border-color: var(--good); background: var(--good-wash); }
        form { margin: 0; }
        .button { display: inline-flex; cursor: pointer; font: inherit; font-weight: 560; font-size: 0.86rem;
          padding: 0.35rem 0.85rem; border-radius: 8px; border: 1px solid var(--line-strong); background: var(--surface);
          color: var(--ink); text-decoration: none; }
        .button:hover { background: var(--sunken); }
        .button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
        dl { display: grid; grid-template-columns: minmax(9rem, max-content) minmax(0, 1fr); gap: 0.5rem 1.5rem; margin: 0; }
        dt { color: var(--soft); }
        dd { margin: 0; }
        .entry { max-width: 30rem; padding-top: 12vh; }
        .entry .card { padding: 1.75rem; display: grid; gap: 1rem; }
        """

    private static let narrow = """
        @media (max-width: 44rem) {
          .bar { justify-content: space-between; }
          .bar nav { order: 1; flex: 1 0 100%; margin-left: -0.8rem; }
          .number { text-align: left; }
          .badge { justify-self: start; }
          thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          table, tbody, tr, td, tbody th { display: block; }
          tr { padding: 0.75rem 1.1rem; border-top: 1px solid var(--line); display: grid; gap: 0.25rem; }
          tbody th, td, th:first-child, td:first-child { padding: 0; border: 0; text-align: left; white-space: normal; }
          td[data-label] { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0.75rem; }
          td[data-label]::before { content: attr(data-label); color: var(--soft); font-size: 0.84rem; }
          td:empty { display: none; }
          dl { grid-template-columns: minmax(0, 1fr); gap: 0.1rem; }
          dd { margin-bottom: 0.6rem; }
        }
        """
}
