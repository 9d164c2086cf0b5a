/// The one stylesheet of the console.
///
/// It is part of the program, as the templates are: a coordinator is a single file. Colours are named by what they are
/// for and have two values each, so that no rule below has to know whether it is dark.
enum Stylesheet {
    static let text = [colours, ground, frame, parts, tables, forms, charts, narrow].joined(separator: "\n")

    private static let colours = """
        :root {
          color-scheme: light dark;
          --paper: #f6f6f3; --surface: #ffffff; --sunken: #efefeb; --line: #e2e2dc; --line-strong: #8a8d88;
          --ink: #1b1e20; --soft: #565c62; --accent: #14655a; --accent-ink: #ffffff; --accent-wash: #e3f0ed;
          --good: #1b6b43; --good-wash: #e2f2e9; --warn: #855000; --warn-wash: #fbefd9;
          --bad: #a3271f; --bad-wash: #fbe7e4; --calm: #4a5560; --calm-wash: #e9ecef;
          --series-ok: #2c8576; --series-failed: #c9851c; --series-denied: #b9473c; --grid: #e6e6e0;
          --shadow: 0 1px 2px rgb(20 24 26 / 5%), 0 4px 16px rgb(20 24 26 / 4%);
          --round: 10px; --gap: 1.25rem;
          --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", "Liberation Mono", monospace;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #111415; --surface: #191d1f; --sunken: #14181a; --line: #2b3134; --line-strong: #7d8589;
            --ink: #e8eae8; --soft: #a4abb0; --accent: #7cd0bf; --accent-ink: #08211c; --accent-wash: #17312d;
            --good: #7fd3a3; --good-wash: #16301f; --warn: #e9b867; --warn-wash: #35270f;
            --bad: #f29c93; --bad-wash: #3b1a18; --calm: #b3bcc3; --calm-wash: #252b30;
            --series-ok: #58b3a2; --series-failed: #d9a24a; --series-denied: #dd7469; --grid: #262c2f;
            --shadow: none;
          }
        }
        """

    private static let ground = """
        *, *::before, *::after { box-sizing: border-box; }
        html { scroll-padding-top: 4rem; }
        body {
          margin: 0; background: var(--paper); color: var(--ink);
          font: 400 0.9375rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
          font-feature-settings: "tnum"; -webkit-text-size-adjust: 100%; overflow-wrap: anywhere;
        }
        h1, h2, h3 { line-height: 1.25; letter-spacing: -0.012em; margin: 0; font-weight: 640; }
        h1 { font-size: 1.625rem; }
        h2 { font-size: 1.0625rem; }
        h3 { font-size: 0.9375rem; }
        p { margin: 0; max-width: 68ch; }
        a { color: var(--accent); text-underline-offset: 0.18em; text-decoration-thickness: 1px; }
        a:hover { text-decoration-thickness: 2px; }
        code, kbd, pre, .mono { font-family: var(--mono); font-size: 0.86em; }
        code { background: var(--sunken); border-radius: 5px; padding: 0.1em 0.35em; }
        pre { margin: 0; overflow-x: auto; line-height: 1.5; overflow-wrap: normal; }
        pre code { background: none; padding: 0; font-size: inherit; }
        hr { border: 0; border-top: 1px solid var(--line); margin: 0; }
        svg { display: block; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
        .soft { color: var(--soft); }
        .small { font-size: 0.84rem; }
        .nowrap { white-space: nowrap; }
        .hidden {
          position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
          white-space: nowrap;
        }
        .skip { position: absolute; left: 1rem; top: -4rem; z-index: 9; padding: 0.6rem 1rem; border-radius: var(--round);
          background: var(--accent); color: var(--accent-ink); }
        .skip:focus { top: 1rem; }
        """

    private static let frame = """
        .frame { display: grid; grid-template-columns: 15.5rem minmax(0, 1fr); min-height: 100vh; }
        .side {
          background: var(--surface); border-right: 1px solid var(--line); padding: 1.25rem 0.85rem;
          display: flex; flex-direction: column; gap: 1.5rem; position: sticky; top: 0; height: 100vh; overflow-y: auto;
        }
        .brand { display: flex; align-items: center; gap: 0.6rem; padding: 0 0.55rem; color: var(--ink);
          text-decoration: none; font-weight: 680; font-size: 1.0625rem; letter-spacing: -0.01em; }
        .brand svg { color: var(--accent); }
        .nav { display: grid; gap: 1.1rem; }
        .nav h2 { font-size: 0.75rem; font-weight: 560; letter-spacing: 0.02em; color: var(--soft); padding: 0 0.55rem;
          margin-bottom: 0.3rem; }
        .nav ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 1px; }
        .nav a { display: flex; align-items: center; gap: 0.65rem; padding: 0.4rem 0.55rem; border-radius: 7px;
          color: var(--ink); text-decoration: none; font-size: 0.9rem; }
        .nav a svg { color: var(--soft); flex: none; }
        .nav a:hover { background: var(--sunken); }
        .nav a[aria-current] { background: var(--accent-wash); color: var(--accent); font-weight: 580; }
        .nav a[aria-current] svg { color: var(--accent); }
        .nav .count { margin-left: auto; }
        .person { margin-top: auto; border-top: 1px solid var(--line); padding: 1rem 0.55rem 0; display: grid; gap: 0.6rem;
          font-size: 0.84rem; }
        .person strong { display: block; font-weight: 580; }
        .bar { display: none; }
        .main { padding: 2.25rem clamp(1rem, 3.5vw, 3rem) 4rem; display: grid; gap: 1.75rem; align-content: start;
          max-width: 84rem; width: 100%; min-width: 0; }
        .main > *, .stack > *, .columns > *, .card > * { min-width: 0; }
        .head { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; align-items: flex-end; justify-content: space-between; }
        .head > div:first-child { display: grid; gap: 0.3rem; }
        .head p { color: var(--soft); }
        .crumbs { font-size: 0.84rem; color: var(--soft); }
        .stack { display: grid; gap: var(--gap); }
        .row { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
        .columns { display: grid; gap: var(--gap); grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
          align-items: start; }
        .entry { display: grid; place-content: center; min-height: 100vh; padding: 1.5rem; }
        .entry .card { width: min(26rem, calc(100vw - 3rem)); gap: 1.25rem; padding: 2rem; }
        .entry .brand { padding: 0; }
        """
}
