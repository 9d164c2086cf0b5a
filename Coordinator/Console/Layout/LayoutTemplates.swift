/// What every page has around it.
enum LayoutTemplates {
    static let all = ["layout": layout, "entry": entry, "head": head, "nav": nav, "note": note, "empty": empty]

    private static let head = """
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{{shell.title}} \u{2013} Doorward</title>
        <link rel="icon" href="{{shell.assets.icon}}" type="image/svg+xml">
        <link rel="stylesheet" href="{{shell.assets.stylesheet}}">
        <script src="{{shell.assets.script}}" defer></script>
        {{#shell.refresh}}<meta http-equiv="refresh" content="{{.}}">{{/shell.refresh}}

        """

    /// A page of a person who is signed in.
    private static let layout = """
        <!doctype html>
        <html lang="en">
        <head>
        {{>head}}
        </head>
        <body>
        <a class="skip" href="#content">Skip to the content</a>
        <div class="bar">
          <a class="brand" href="/">{{>icon-door}} Doorward</a>
          <a class="button slim" href="#menu">Menu</a>
        </div>
        <div class="frame">
          <div class="side" id="menu">
            <a class="brand" href="/">{{>icon-door}} Doorward</a>
            <a class="button slim close" href="#content">Close the menu</a>
            {{>nav}}
            {{#shell.person}}
            <div class="person">
              <div><strong>{{email}}</strong><span class="soft">{{role}}</span></div>
              {{#signOut}}
              <form method="post" action="{{.}}">
                <input type="hidden" name="csrf" value="{{shell.csrf}}">
                <button class="button slim">Sign out</button>
              </form>
              {{/signOut}}
            </div>
            {{/shell.person}}
          </div>
          <main class="main" id="content" tabindex="-1">
            <div class="head">
              <div>
                {{#shell.parent}}<nav class="crumbs" aria-label="Breadcrumb"><a href="{{href}}">{{name}}</a></nav>{{/shell.parent}}
                <h1>{{shell.heading}}</h1>
                {{#shell.lede}}<p>{{.}}</p>{{/shell.lede}}
              </div>
        {{$actions}}{{/actions}}
            </div>
        {{#shell.notes}}{{>note}}{{/shell.notes}}
        {{$content}}{{/content}}
          </main>
        </div>
        </body>
        </html>

        """

    /// A page before anybody is signed in, or one that says that something went wrong.
    private static let entry = """
        <!doctype html>
        <html lang="en">
        <head>
        {{>head}}
        </head>
        <body>
        <main class="entry" id="content">
          <div class="card">
            <a class="brand" href="/">{{>icon-door}} Doorward</a>
            <div class="stack">
              <h1>{{shell.heading}}</h1>
              {{#shell.lede}}<p>{{.}}</p>{{/shell.lede}}
            </div>
        {{#shell.notes}}{{>note}}{{/shell.notes}}
        {{$content}}{{/content}}
          </div>
        </main>
        </body>
        </html>

        """

    private static let nav = """
        <nav class="nav" aria-label="Console">
          {{#shell.nav}}
          <div>
            {{#heading}}<h2>{{.}}</h2>{{/heading}}
            <ul>
              {{#items}}
              <li><a href="{{href}}"{{#isCurrent}} aria-current="page"{{/isCurrent}}>{{>*icon}} {{name}}</a></li>
              {{/items}}
            </ul>
          </div>
          {{/shell.nav}}
        </nav>

        """

    private static let note = """
        <div class="note {{tone}}" role="{{role}}">
          <strong>{{message}}</strong>
          {{#next}}<p>{{.}}</p>{{/next}}
          {{#details}}<p class="small">{{.}}</p>{{/details}}
        </div>

        """

    private static let empty = """
        <div class="empty">
          <strong>{{message}}</strong>
          <p>{{next}}</p>
          {{#link}}<a class="button primary" href="{{href}}">{{name}}</a>{{/link}}
        </div>

        """
}
