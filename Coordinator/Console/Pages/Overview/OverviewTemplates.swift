/// The page of figures.
enum OverviewTemplates {
    static let all = ["overview": page, "measure-table": table]

    private static let page = """
        {{<layout}}
        {{$actions}}
        <nav aria-label="Time">
          <ul class="tabs">{{#page.spans}}<li><a href="{{href}}"{{#isCurrent}} aria-current="true"{{/isCurrent}}>{{name}}</a></li>{{/page.spans}}</ul>
        </nav>
        {{/actions}}
        {{$content}}
        {{#page.attention}}
        <section class="card" aria-labelledby="attention">
          <header><h2 id="attention">Waiting for you</h2></header>
          <ul class="links">
            {{#items}}<li><span class="badge {{tone}}">{{kind}}</span> <a href="{{href}}">{{message}}</a></li>{{/items}}
          </ul>
        </section>
        {{/page.attention}}
        {{#page.start}}
        <section class="card" aria-labelledby="start">
          <header><h2 id="start">First steps</h2><p>This is how it begins.</p></header>
          <ol class="steps">
            {{#steps}}<li{{#isDone}} class="is-good"{{/isDone}}><div><h3>{{name}}{{#isDone}}<span class="hidden"> (done)</span>{{/isDone}}</h3><p class="soft">{{what}}</p>{{#link}}<p><a href="{{href}}">{{name}}</a></p>{{/link}}</div></li>{{/steps}}
          </ol>
        </section>
        {{/page.start}}
        {{#page.quiet}}<section class="card" aria-label="No calls">{{>empty}}</section>{{/page.quiet}}
        <section aria-labelledby="figures">
          <h2 id="figures" class="hidden">Figures</h2>
          <dl class="tiles">
            {{#page.tiles}}<div><dt>{{name}}</dt><dd>{{value}}{{#unit}} <small>{{.}}</small>{{/unit}}</dd>{{#more}}<dd>{{.}}</dd>{{/more}}</div>{{/page.tiles}}
          </dl>
        </section>
        {{#page.calls}}
        <section class="card" aria-labelledby="over-time">
          <header><h2 id="over-time">Calls over time</h2><p>{{page.period}}</p></header>
          {{>bar-chart}}
          {{#page.numbers}}
          <details>
            <summary>Show the numbers</summary>
            <div class="scroll" tabindex="0" role="region" aria-label="Calls over time, as numbers">
              <table>
                <thead><tr><th scope="col">From</th><th scope="col" class="number">Succeeded</th><th scope="col" class="number">Failed</th><th scope="col" class="number">Denied</th><th scope="col" class="number">p50</th><th scope="col" class="number">p95</th></tr></thead>
                <tbody>{{#rows}}<tr><th scope="row" class="nowrap">{{from}}</th><td class="number">{{ok}}</td><td class="number">{{failed}}</td><td class="number">{{denied}}</td><td class="number">{{p50}}</td><td class="number">{{p95}}</td></tr>{{/rows}}</tbody>
              </table>
            </div>
          </details>
          {{/page.numbers}}
        </section>
        {{/page.calls}}
        {{#page.latency}}
        <section class="card" aria-labelledby="how-long">
          <header><h2 id="how-long">How long calls take</h2><p>Time at the server, without those that were refused</p></header>
          {{>line-chart}}
        </section>
        {{/page.latency}}
        {{#page.servers}}<section class="card flush" aria-labelledby="by-server"><header><h2 id="by-server">By server</h2></header>{{>measure-table}}</section>{{/page.servers}}
        {{#page.people}}<section class="card flush" aria-labelledby="by-person"><header><h2 id="by-person">By person</h2><p>Whole days, UTC</p></header>{{>measure-table}}</section>{{/page.people}}
        {{/content}}
        {{/layout}}

        """

    private static let table = """
        <table class="cards">
          <thead><tr><th scope="col">{{of}}</th><th scope="col" class="number">Calls</th><th scope="col">How they went</th><th scope="col" class="number">Success</th><th scope="col" class="number">p50</th><th scope="col" class="number">p95</th><th scope="col" class="number">Denied</th><th scope="col" class="number">Sign-ins needed</th></tr></thead>
          <tbody>
            {{#rows}}
            <tr>
              <th scope="row">{{#href}}<a href="{{.}}">{{name}}</a>{{/href}}{{^href}}{{name}}{{/href}}</th>
              <td class="number" data-label="Calls">{{calls}}</td>
              <td data-label="How they went"><svg class="split" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{{split.label}}">{{#split.parts}}<rect class="{{kind}}" x="{{x}}" width="{{width}}" height="8"/>{{/split.parts}}</svg></td>
              <td class="number" data-label="Success">{{success}}</td>
              <td class="number" data-label="p50">{{p50}}</td>
              <td class="number" data-label="p95">{{p95}}</td>
              <td class="number" data-label="Denied">{{denied}}</td>
              <td class="number" data-label="Sign-ins needed">{{signIns}}</td>
            </tr>
            {{/rows}}
          </tbody>
        </table>

        """
}
