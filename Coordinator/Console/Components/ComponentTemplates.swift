/// The parts that pages are put together from, and the page that has nothing but such parts.
enum ComponentTemplates {
    static let all = [
        "sections": sections, "section": section, "table": table, "cell": cell, "facts": facts, "form": form,
        "field": field, "diff": diff, "confirm": confirm,
    ]

    private static let sections = """
        {{<layout}}
        {{$actions}}{{#page.actions}}<div class="row">{{#items}}<a class="button{{classes}}" href="{{href}}">{{name}}</a>{{/items}}</div>{{/page.actions}}{{/actions}}
        {{$content}}
        {{#page.tabs}}<nav aria-label="Parts"><ul class="tabs">{{#items}}<li><a href="{{href}}"{{#isCurrent}} aria-current="true"{{/isCurrent}}>{{name}}</a></li>{{/items}}</ul></nav>{{/page.tabs}}
        {{#page.sections}}{{>section}}{{/page.sections}}
        {{/content}}
        {{/layout}}

        """

    private static let section = """
        <section class="card{{classes}}" aria-labelledby="{{id}}">
          <header><h2 id="{{id}}">{{heading}}</h2>{{#about}}<p>{{.}}</p>{{/about}}</header>
          {{#texts}}<p class="inset">{{.}}</p>{{/texts}}
          {{#secret}}<code class="secret">{{.}}</code>{{/secret}}
          {{#facts}}<div class="inset">{{>facts}}</div>{{/facts}}
          {{#table}}{{>table}}{{/table}}
          {{#empty}}{{>empty}}{{/empty}}
          {{#code}}<div class="block scroll" tabindex="0" role="region" aria-label="{{name}}"><pre><code>{{text}}</code></pre></div>{{/code}}
          {{#diff}}{{>diff}}{{/diff}}
          {{#form}}<div class="inset">{{>form}}</div>{{/form}}
          {{#steps}}<ol class="steps inset">{{#items}}<li class="{{classes}}"><div><h3>{{name}}</h3>{{#what}}<p class="soft">{{.}}</p>{{/what}}{{#code}}<code class="mono small">{{.}}</code>{{/code}}</div></li>{{/items}}</ol>{{/steps}}
          {{#progress}}<div class="inset field"><label for="progress-{{id}}">{{label}}</label><progress id="progress-{{id}}" max="{{most}}"{{#.value}} value="{{.}}"{{/.value}}></progress></div>{{/progress}}
          {{#links}}<div class="row inset">{{#items}}<a class="button{{classes}}" href="{{href}}">{{name}}</a>{{/items}}</div>{{/links}}
          {{#pager}}<div class="pager"><span>{{text}}</span><span class="row">{{#items}}<a class="button slim" href="{{href}}">{{name}}</a>{{/items}}</span></div>{{/pager}}
        </section>

        """

    private static let table = """
        <table class="cards">
          <caption class="hidden">{{caption}}</caption>
          <thead><tr>{{#columns}}<th scope="col" class="{{classes}}">{{name}}</th>{{/columns}}{{#hasActions}}<th scope="col"><span class="hidden">What can be done</span></th>{{/hasActions}}</tr></thead>
          <tbody>
            {{#rows}}
            <tr>{{#cells}}{{#isHeader}}<th scope="row" class="{{classes}}">{{>cell}}</th>{{/isHeader}}{{^isHeader}}<td class="{{classes}}" data-label="{{label}}"><div>{{>cell}}</div></td>{{/isHeader}}{{/cells}}{{#hasActions}}<td class="actions"><div class="row">{{#actions}}<a class="button slim{{classes}}" href="{{href}}">{{name}}{{#about}}<span class="hidden"> {{.}}</span>{{/about}}</a>{{/actions}}</div></td>{{/hasActions}}</tr>
            {{/rows}}
          </tbody>
        </table>

        """

    /// Names are looked up in the cell alone: what it does not have, a row or page around it may.
    private static let cell =
        "{{#.href}}<a href=\"{{.}}\">{{/.href}}{{#.badge}}<span class=\"badge {{.}}\">{{/.badge}}{{#.moment}}<time datetime=\"{{.}}\">{{/.moment}}"
        + "{{#.isCode}}<code>{{text}}</code>{{/.isCode}}{{^.isCode}}{{.text}}{{/.isCode}}"
        + "{{#.moment}}</time>{{/.moment}}{{#.badge}}</span>{{/.badge}}{{#.href}}</a>{{/.href}}{{#.small}}<small>{{.}}</small>{{/.small}}"

    private static let facts = """
        <dl class="facts">{{#facts}}<dt>{{name}}</dt><dd>{{#cell}}{{>cell}}{{/cell}}</dd>{{/facts}}</dl>

        """

    private static let form = """
        <form method="{{method}}" action="{{action}}" class="form">
          {{#csrf}}<input type="hidden" name="csrf" value="{{.}}">{{/csrf}}
          {{#hidden}}<input type="hidden" name="{{name}}" value="{{value}}">{{/hidden}}
          {{#fields}}{{>field}}{{/fields}}
          <div class="row"><button class="button primary{{#isDanger}} danger{{/isDanger}}">{{submit}}</button>{{#cancel}}<a class="button plain" href="{{href}}">{{name}}</a>{{/cancel}}</div>
        </form>

        """

    private static let field = """
        {{#isInput}}
        <div class="field">
          <label for="field-{{name}}">{{label}}</label>
          {{#.hint}}<span class="hint" id="hint-{{name}}">{{.}}</span>{{/.hint}}
          <input id="field-{{name}}" name="{{name}}" type="{{type}}" value="{{value}}" autocomplete="{{completion}}" spellcheck="false"{{#isRequired}} required{{/isRequired}}{{#.wrong}} aria-invalid="true"{{/.wrong}} aria-describedby="hint-{{name}} wrong-{{name}}">
          {{#.wrong}}<span class="wrong" id="wrong-{{name}}">{{.}}</span>{{/.wrong}}
        </div>
        {{/isInput}}
        {{#isArea}}
        <div class="field">
          <label for="field-{{name}}">{{label}}</label>
          {{#.hint}}<span class="hint" id="hint-{{name}}">{{.}}</span>{{/.hint}}
          <textarea id="field-{{name}}" name="{{name}}" rows="{{rows}}"{{#isTall}} class="tall"{{/isTall}} autocomplete="off" spellcheck="false"{{#isRequired}} required{{/isRequired}}{{#.wrong}} aria-invalid="true"{{/.wrong}} aria-describedby="hint-{{name}} wrong-{{name}}">
        {{value}}</textarea>
          {{#.wrong}}<span class="wrong" id="wrong-{{name}}">{{.}}</span>{{/.wrong}}
        </div>
        {{/isArea}}
        {{#isSelect}}
        <div class="field">
          <label for="field-{{name}}">{{label}}</label>
          {{#.hint}}<span class="hint" id="hint-{{name}}">{{.}}</span>{{/.hint}}
          <select id="field-{{name}}" name="{{name}}"{{#.wrong}} aria-invalid="true"{{/.wrong}}>{{#options}}<option value="{{value}}"{{#isChosen}} selected{{/isChosen}}>{{name}}</option>{{/options}}</select>
          {{#.wrong}}<span class="wrong">{{.}}</span>{{/.wrong}}
        </div>
        {{/isSelect}}
        {{#isRadio}}
        <fieldset>
          <legend class="legend">{{label}}</legend>
          {{#options}}<label class="choice"><input type="radio" name="{{fieldName}}" value="{{value}}"{{#isChosen}} checked{{/isChosen}}><span>{{name}}</span>{{#.about}}<small>{{.}}</small>{{/.about}}</label>{{/options}}
          {{#.wrong}}<span class="wrong">{{.}}</span>{{/.wrong}}
        </fieldset>
        {{/isRadio}}
        {{#isChecks}}
        <fieldset>
          <legend class="legend">{{label}}</legend>
          {{#options}}<label class="choice"><input type="checkbox" name="{{fieldName}}-{{value}}" value="yes"{{#isChosen}} checked{{/isChosen}}><span>{{name}}</span>{{#.about}}<small>{{.}}</small>{{/.about}}</label>{{/options}}
          {{#.wrong}}<span class="wrong">{{.}}</span>{{/.wrong}}
        </fieldset>
        {{/isChecks}}

        """

    private static let diff = """
        <div class="block scroll flat" tabindex="0" role="region" aria-label="{{name}}"><pre class="diff">{{#lines}}<span class="{{kind}}">{{#parts}}{{#isHidden}}<mark title="A character that is not seen">{{text}}</mark>{{/isHidden}}{{^isHidden}}{{text}}{{/isHidden}}{{/parts}}</span>{{/lines}}</pre></div>

        """

    /// A page of its own before what cannot be taken back.
    private static let confirm = """
        {{<layout}}
        {{$content}}
        <section class="card" aria-labelledby="what-happens">
          <header><h2 id="what-happens">What happens then</h2></header>
          <ul>{{#page.consequences}}<li>{{.}}</li>{{/page.consequences}}</ul>
          {{#page.form}}{{>form}}{{/page.form}}
        </section>
        {{/content}}
        {{/layout}}

        """
}
