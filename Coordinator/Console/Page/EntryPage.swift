/// A page for those who are not signed in, or of what went wrong: a few words, and what can be done about it.
package struct EntryPage: Sendable {
    /// Something to type, with where.
    package struct Command: Sendable {
        let place: String
        let command: String

        /// A command, and where it is typed.
        package init(_ place: String, _ command: String) {
            self.place = place
            self.command = command
        }
    }

    /// A form of one button, or of a yes and a no.
    package struct Button: Sendable {
        let action: String
        let fields: [HiddenField]
        let name: String
        /// What stands on the other one; the field `decision` says which was pressed.
        let refusal: String?

        /// - Parameters:
        ///   - name: What stands on it.
        ///   - refusal: What stands on the one that says no; nil: there is none.
        ///   - action: Where it posts to.
        ///   - fields: What goes along: names and values.
        package init(
            _ name: String,
            orElse refusal: String? = nil,
            action: String,
            fields: [(name: String, value: String)] = []
        ) {
            self.name = name
            self.refusal = refusal
            self.action = action
            self.fields = fields.map { HiddenField(name: $0.name, value: $0.value) }
        }
    }

    /// A way to go on.
    package struct Link: Sendable {
        let name: String
        let href: String

        /// A link with what it is called; the first one of a page is what most will want.
        package init(_ name: String, _ href: String) {
            self.name = name
            self.href = href
        }
    }

    private let title: String
    private let texts: [String]
    private let commands: [Command]?
    private let button: Button?
    private let links: [Link]?

    /// - Parameters:
    ///   - title: What it is about.
    ///   - texts: A paragraph each.
    ///   - commands: What can be typed elsewhere.
    ///   - button: What can be done here.
    ///   - links: Where to go on.
    package init(
        _ title: String,
        _ texts: [String],
        commands: [Command] = [],
        button: Button? = nil,
        links: [Link] = []
    ) {
        self.title = title
        self.texts = texts
        self.commands = commands.isEmpty ? nil : commands
        self.button = button
        self.links = links.isEmpty ? nil : links
    }

    /// The whole document.
    package var html: String {
        let view = EntryView(
            texts: texts,
            commands: commands.map { Commands(items: $0) },
            button: button,
            links: links.map { Links(items: $0) }
        )
        return Templates.shared.render(view, in: Shell(title: title, heading: title), as: "entry-page") ?? ""
    }

    private struct Commands {
        let items: [Command]
    }

    private struct Links {
        let items: [Link]
    }

    private struct EntryView {
        let texts: [String]
        let commands: Commands?
        let button: Button?
        let links: Links?
    }

    static let template = """
        {{<entry}}
        {{$content}}
        {{#page.texts}}<p>{{.}}</p>{{/page.texts}}
        {{#page.commands}}<dl class="facts flat-facts">{{#items}}<dt>{{place}}</dt><dd><code>{{command}}</code></dd>{{/items}}</dl>{{/page.commands}}
        {{#page.button}}
        <form method="post" action="{{action}}">
          {{#fields}}<input type="hidden" name="{{name}}" value="{{value}}">{{/fields}}
          <button class="button primary" name="decision" value="yes">{{name}}</button>
          {{#refusal}}<button class="button" name="decision" value="no">{{.}}</button>{{/refusal}}
        </form>
        {{/page.button}}
        {{#page.links}}<div class="row">{{#items}}<a class="button" href="{{href}}">{{name}}</a>{{/items}}</div>{{/page.links}}
        {{/content}}
        {{/entry}}

        """
}
