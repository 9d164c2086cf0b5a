extension Stylesheet {
    static let parts = """
        .card { background: var(--surface); border: 1px solid var(--line); border-radius: var(--round);
          box-shadow: var(--shadow); padding: 1.25rem 1.4rem; display: grid; gap: 1rem; align-content: start; }
        .card > header { display: flex; flex-wrap: wrap; gap: 0.4rem 1rem; align-items: baseline;
          justify-content: space-between; }
        .card > header p { color: var(--soft); font-size: 0.84rem; }
        .flush { padding: 0; gap: 0; overflow: hidden; }
        .flush > header { padding: 1.1rem 1.4rem 0.9rem; }
        .flush > .empty, .flush > .inset { padding: 1rem 1.4rem 1.4rem; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.75rem, 1fr)); gap: 1px;
          background: var(--surface); border: 1px solid var(--line); border-radius: var(--round); overflow: hidden;
          box-shadow: var(--shadow); margin: 0; }
        .tiles > div { box-shadow: 0 0 0 1px var(--line); padding: 1rem 1.25rem 1.05rem; display: grid; gap: 0.1rem;
          align-content: start; }
        .tiles dt { color: var(--soft); font-size: 0.84rem; }
        .tiles dd { margin: 0; font-size: 1.6rem; font-weight: 620; letter-spacing: -0.02em; line-height: 1.25; }
        .tiles dd small { display: inline; font-size: 0.95rem; font-weight: 500; color: var(--soft); letter-spacing: 0; }
        .tiles dd + dd { font-size: 0.84rem; font-weight: 400; color: var(--soft); letter-spacing: 0; }
        .tiles.inner { border-width: 1px 0; border-radius: 0; box-shadow: none; }
        .badge { display: inline-flex; align-items: center; gap: 0.35rem; padding: 0.05rem 0.55rem; border-radius: 99px;
          font-size: 0.8rem; font-weight: 540; line-height: 1.55; background: var(--calm-wash); color: var(--calm);
          white-space: nowrap; }
        .badge::before { content: ""; width: 0.42rem; height: 0.42rem; border-radius: 50%; background: currentColor; }
        .badge.plain::before { display: none; }
        .good { background: var(--good-wash); color: var(--good); }
        .warn { background: var(--warn-wash); color: var(--warn); }
        .bad { background: var(--bad-wash); color: var(--bad); }
        .count { background: var(--warn-wash); color: var(--warn); border-radius: 99px; font-size: 0.75rem; font-weight: 600;
          padding: 0.02rem 0.45rem; }
        .note { border-radius: var(--round); padding: 0.85rem 1.1rem; display: grid; gap: 0.25rem;
          border: 1px solid var(--line); background: var(--surface); border-left: 4px solid var(--accent); }
        .note.bad { border-left-color: var(--bad); background: var(--bad-wash); color: var(--ink);
          border-color: var(--bad); }
        .note.warn { border-left-color: var(--warn); background: var(--warn-wash); color: var(--ink);
          border-color: var(--warn); }
        .note.good { border-left-color: var(--good); background: var(--good-wash); color: var(--ink);
          border-color: var(--good); }
        .note strong { font-weight: 620; }
        .empty { display: grid; gap: 0.7rem; justify-items: start; color: var(--soft); }
        .empty strong { color: var(--ink); font-size: 1rem; font-weight: 600; }
        .button { display: inline-flex; align-items: center; justify-content: center; gap: 0.5rem; cursor: pointer;
          font: inherit; font-weight: 560; font-size: 0.9rem; line-height: 1.4; padding: 0.5rem 0.95rem; border-radius: 8px;
          border: 1px solid var(--line-strong); background: var(--surface); color: var(--ink); text-decoration: none; }
        .button:hover { background: var(--sunken); }
        .button.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); }
        .button.primary:hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
        .button.danger { border-color: var(--bad); color: var(--bad); }
        .button.danger:hover { background: var(--bad-wash); }
        .button.danger.primary { background: var(--bad); color: var(--surface); }
        .button.danger.primary:hover { background: color-mix(in srgb, var(--bad) 88%, var(--ink)); }
        .button.plain { border-color: transparent; background: none; color: var(--accent); padding-inline: 0.5rem; }
        .button.slim { padding: 0.25rem 0.65rem; font-size: 0.84rem; }
        .tabs { display: flex; flex-wrap: wrap; gap: 0.25rem; list-style: none; margin: 0; padding: 0; }
        .tabs a { display: inline-block; padding: 0.35rem 0.8rem; border-radius: 99px; color: var(--soft);
          text-decoration: none; font-size: 0.9rem; border: 1px solid transparent; }
        .tabs a:hover { background: var(--sunken); color: var(--ink); }
        .tabs a[aria-current] { background: var(--surface); border-color: var(--line-strong); color: var(--ink);
          font-weight: 560; }
        .facts { display: grid; grid-template-columns: minmax(8rem, max-content) minmax(0, 1fr); gap: 0.5rem 1.5rem;
          margin: 0; }
        .facts dt { color: var(--soft); }
        .facts dd { margin: 0; min-width: 0; }
        .secret { display: block; background: var(--sunken); border: 1px dashed var(--line-strong); border-radius: 8px;
          padding: 0.75rem 0.9rem; font-family: var(--mono); font-size: 0.86rem; user-select: all; word-break: break-all; }
        .block { background: var(--sunken); border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem 1rem;
          font-size: 0.84rem; }
        .diff { display: block; min-width: max-content; padding: 0.8rem 0; }
        .diff span { display: block; padding: 0 1rem; white-space: pre; }
        .diff .new { background: var(--good-wash); color: var(--good); }
        .diff .gone { background: var(--bad-wash); color: var(--bad); }
        .diff .cut { color: var(--soft); }
        .diff mark { background: var(--warn); color: var(--surface); border-radius: 3px; padding: 0 0.15em; }
        .steps { list-style: none; margin: 0; padding: 0; counter-reset: step; display: grid; gap: 1rem; }
        .steps > li { counter-increment: step; display: grid; grid-template-columns: 2rem minmax(0, 1fr); gap: 0.85rem; }
        .steps > li::before { content: counter(step); display: grid; place-content: center; width: 2rem; height: 2rem;
          border-radius: 50%; background: var(--accent-wash); color: var(--accent); font-weight: 620; font-size: 0.9rem; }
        .steps > li.is-good::before { background: var(--good-wash); color: var(--good); content: "\\2713"; }
        .steps > li.is-bad::before { background: var(--bad-wash); color: var(--bad); content: "\\2715"; }
        .steps > li > div { display: grid; gap: 0.25rem; }
        .findings { margin: 0; padding-left: 1.1rem; display: grid; gap: 0.3rem; }
        .flat { padding: 0; }
        .links { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.6rem; }
        .links li { display: flex; gap: 0.75rem; align-items: baseline; }
        details > summary { cursor: pointer; color: var(--accent); font-size: 0.9rem; }
        details[open] > summary { margin-bottom: 0.75rem; }
        """

    static let tables = """
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
        caption { text-align: left; color: var(--soft); padding: 0 0 0.5rem; }
        th, td { text-align: left; padding: 0.6rem 0.75rem; vertical-align: baseline; border-top: 1px solid var(--line); }
        thead th { border-top: 0; font-weight: 520; font-size: 0.84rem; color: var(--soft); white-space: nowrap;
          padding-block: 0.45rem; }
        tbody th { font-weight: 560; min-width: 10rem; }
        .flush th:first-child, .flush td:first-child { padding-left: 1.4rem; }
        .flush th:last-child, .flush td:last-child { padding-right: 1.4rem; }
        .flush thead th { border-top: 1px solid var(--line); background: var(--sunken); }
        tbody tr:hover { background: color-mix(in srgb, var(--sunken) 60%, transparent); }
        .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        .actions { text-align: right; }
        .actions form, .actions .row { display: inline-flex; justify-content: flex-end; }
        td small, th small, dd small { display: block; color: var(--soft); font-size: 0.82rem; font-weight: 400; }
        .pager { display: flex; flex-wrap: wrap; gap: 0.75rem; justify-content: space-between; align-items: center;
          padding: 0.85rem 1.4rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.84rem; }
        """

    static let forms = """
        form { margin: 0; }
        .form { display: grid; gap: 1.1rem; max-width: 40rem; }
        .form.wide { max-width: none; }
        .field { display: grid; gap: 0.3rem; min-width: 0; }
        .field label, .legend { font-weight: 560; font-size: 0.9rem; }
        .field .hint { color: var(--soft); font-size: 0.84rem; }
        .field .wrong { color: var(--bad); font-size: 0.84rem; font-weight: 540; }
        input:not([type=checkbox], [type=radio]), select, textarea {
          font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--line-strong);
          border-radius: 8px; padding: 0.48rem 0.7rem; width: 100%; min-width: 0; }
        select { appearance: none; padding-right: 2rem; background-image: url("/assets/chevron.svg");
          background-repeat: no-repeat; background-position: right 0.7rem center; background-size: 0.75rem; }
        textarea { font-family: var(--mono); font-size: 0.86rem; line-height: 1.55; resize: vertical; tab-size: 2;
          white-space: pre; overflow-x: auto; overflow-wrap: normal; }
        textarea.tall { min-height: 30rem; }
        [aria-invalid=true] { border-color: var(--bad) !important; }
        input[type=checkbox], input[type=radio] { accent-color: var(--accent); width: 1.05rem; height: 1.05rem; margin: 0;
          flex: none; }
        fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: 0.5rem; min-width: 0; }
        legend { padding: 0; margin-bottom: 0.35rem; }
        .choice { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 0.6rem; align-items: center; }
        .choice small { grid-column: 2; color: var(--soft); line-height: 1.35; }
        .filters { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.85rem;
          align-items: end; }
        .inline { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
        .inline select { width: auto; }
        progress { appearance: none; width: 100%; height: 0.5rem; border: 0; border-radius: 99px; overflow: hidden;
          background: var(--calm-wash); }
        progress::-webkit-progress-bar { background: var(--calm-wash); }
        progress::-webkit-progress-value { background: var(--accent); }
        progress::-moz-progress-bar { background: var(--accent); }
        """

    static let charts = """
        .chart { display: grid; gap: 0.75rem; margin: 0; }
        .plot { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: 0.75rem; }
        .plot svg { width: 100%; height: 11rem; overflow: visible; }
        .scale { display: flex; flex-direction: column; justify-content: space-between; text-align: right;
          margin: -0.6em 0; color: var(--soft); font-size: 0.78rem; line-height: 1.2; white-space: nowrap; }
        .times { grid-column: 2; display: flex; justify-content: space-between; color: var(--soft); font-size: 0.78rem;
          padding-top: 0.4rem; }
        .chart path { vector-effect: non-scaling-stroke; }
        .chart .grid { stroke: var(--grid); stroke-width: 1; fill: none; }
        .chart .axis { stroke: var(--line-strong); stroke-width: 1; fill: none; }
        .chart .band { fill: transparent; }
        .chart g:hover > .band { fill: var(--sunken); }
        .ok { fill: var(--series-ok); background: var(--series-ok); }
        .failed { fill: var(--series-failed); background: var(--series-failed); }
        .denied { fill: var(--series-denied); background: var(--series-denied); }
        .line { stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
        .chart .line { fill: none; }
        .line.ok { stroke: var(--series-ok); }
        .line.failed { stroke: var(--series-failed); }
        .legend-keys { display: flex; flex-wrap: wrap; gap: 0.35rem 1.1rem; list-style: none; margin: 0; padding: 0;
          color: var(--soft); font-size: 0.84rem; }
        .legend-keys li { display: inline-flex; align-items: center; gap: 0.4rem; }
        .legend-keys i { width: 0.7rem; height: 0.7rem; border-radius: 3px; }
        .split { display: block; width: 7rem; height: 0.45rem; border-radius: 99px; overflow: hidden;
          background: var(--calm-wash); }
        .split rect { height: 8px; }
        """

    static let narrow = """
        @media (max-width: 56rem) {
          .frame { display: block; }
          .bar { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding: 0.7rem 1rem;
            background: var(--surface); border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 5; }
          .side { display: none; position: static; height: auto; border: 0; }
          .side:target { display: flex; position: fixed; inset: 0; z-index: 8; height: 100dvh; padding: 1rem 1.25rem; }
          .side .close { display: inline-flex; }
          .main { padding-top: 1.5rem; }
          .nav a { padding-block: 0.55rem; }
          .facts { grid-template-columns: minmax(0, 1fr); gap: 0.1rem; }
          .facts dd { margin-bottom: 0.6rem; }
          .card { padding: 1.1rem 1.05rem; }
          .flush { padding: 0; }
          .flush > header, .flush > .empty, .flush > .inset, .pager { padding-inline: 1.05rem; }
          .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
          .tiles > div { padding: 0.85rem 1rem; }
          .tiles dd { font-size: 1.35rem; }
          table.cards, .cards tbody, .cards tr, .cards td, .cards th[scope=row] { display: block; }
          .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          .cards tr { padding: 0.8rem 1.05rem; border-top: 1px solid var(--line); display: grid; gap: 0.3rem; }
          .cards td, .cards th[scope=row], .flush .cards td:first-child, .flush .cards th:first-child,
          .flush .cards td:last-child { padding: 0; border: 0; text-align: left; white-space: normal; }
          .cards td[data-label] { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: 0.75rem; }
          .cards td[data-label]::before { content: attr(data-label); color: var(--soft); font-size: 0.84rem; }
          .cards td:has(> div:empty) { display: none; }
          .cards .actions .row, .cards .actions form { justify-content: flex-start; }
        }
        @media (min-width: 56.01rem) { .side .close { display: none; } }
        @media print {
          .side, .bar, .head form, .button { display: none; }
          .frame { display: block; }
          .card, .tiles { box-shadow: none; break-inside: avoid; }
        }
        """
}
