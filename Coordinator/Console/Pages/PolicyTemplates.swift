/// The pages on which a policy is written.
enum PolicyTemplates {
    static let all = ["policy-editor": editor, "policy-review": review]

    private static let editor = """
        {{<layout}}
        {{$content}}
        {{#page.notes}}
        <div class="note good" role="status"><strong>This is a suggestion: read it, and change what is wrong</strong><ul class="findings">{{#items}}<li>{{.}}</li>{{/items}}</ul></div>
        {{/page.notes}}
        {{#page.problems}}
        <div class="note bad" role="alert"><strong>The file cannot be applied as it is</strong><ul class="findings">{{#items}}<li><code>{{place}}</code> {{why}}</li>{{/items}}</ul></div>
        {{/page.problems}}
        {{#page.isGood}}
        <div class="note good" role="status"><strong>Nothing is wrong with it, and its tests pass</strong>{{^page.diff}}<p>It is the policy in force: there is nothing to apply.</p>{{/page.diff}}</div>
        {{/page.isGood}}
        {{#page.warnings}}
        <div class="note warn" role="status"><strong>Rules that change nothing</strong><ul class="findings">{{#items}}<li><code>{{place}}</code> {{why}}</li>{{/items}}</ul></div>
        {{/page.warnings}}
        <section class="card" aria-labelledby="file-heading">
          <header><h2 id="file-heading">The file</h2><p>YAML or JSON</p></header>
          <form method="post" action="/policy/edit" class="form wide" data-keep>
            <input type="hidden" name="csrf" value="{{page.csrf}}">
            <input type="hidden" name="etag" value="{{page.etag}}">
            <div class="field">
              <label for="file">Policy</label>
        <textarea id="file" name="file" class="tall" rows="24" spellcheck="false" autocomplete="off">
        {{page.file}}</textarea>
            </div>
            <div class="row">
              <button class="button primary" name="do" value="review">Review and apply</button>
              <button class="button" name="do" value="check">Check, and show what changes</button>
              <button class="button" name="do" value="try">Try it on the last 7 days</button>
              <a class="button plain" href="/policy">Leave it as it is</a>
            </div>
          </form>
        </section>
        {{#page.trial}}
        <section class="card flush" aria-labelledby="trial-heading">
          <header><h2 id="trial-heading">The last 7 days under this policy</h2><p>{{calls}}</p></header>
          <dl class="tiles inner"><div><dt>Would be denied</dt><dd>{{wouldDeny}}</dd></div><div><dt>Would pass</dt><dd>{{wouldAllow}}</dd></div><div><dt>Cannot be told</dt><dd>{{unknown}}</dd></div></dl>
          {{#table}}{{>table}}{{/table}}
          {{#empty}}{{>empty}}{{/empty}}
        </section>
        {{/page.trial}}
        {{#page.diff}}<section class="card" aria-labelledby="diff-heading"><header><h2 id="diff-heading">What changes</h2><p>Against the policy in force</p></header>{{>diff}}</section>{{/page.diff}}
        {{/content}}
        {{/layout}}

        """

    private static let review = """
        {{<layout}}
        {{$content}}
        {{#page.warnings}}
        <div class="note warn" role="status"><strong>Rules that change nothing</strong><ul class="findings">{{#items}}<li><code>{{place}}</code> {{why}}</li>{{/items}}</ul></div>
        {{/page.warnings}}
        {{#page.diff}}<section class="card" aria-labelledby="diff-heading"><header><h2 id="diff-heading">What changes</h2><p>Its tests pass</p></header>{{>diff}}</section>{{/page.diff}}
        <section class="card" aria-labelledby="apply-heading">
          <header><h2 id="apply-heading">Apply</h2></header>
          <form method="post" action="/policy/edit" class="form">
            <input type="hidden" name="csrf" value="{{page.csrf}}">
            <input type="hidden" name="etag" value="{{page.etag}}">
        <textarea name="file" hidden aria-label="The file">
        {{page.file}}</textarea>
        {{#page.why}}{{>field}}{{/page.why}}
            <div class="row">
              <button class="button primary" name="do" value="apply">Apply it</button>
              <button class="button" name="do" value="back">Back to the editor</button>
            </div>
          </form>
        </section>
        {{/content}}
        {{/layout}}

        """
}
