internal import Contract

/// A form as it is shown: empty, or with what was written and what was wrong with it.
struct FormView {
    let action: String
    let csrf: String
    /// Fields that are not seen.
    var hidden: [HiddenField] = []
    var fields: [Field] = []
    let submit: String
    var isDanger = false
    var cancel: PageLink?
    /// `post`, or `get` for what only looks.
    var method = "post"

    /// What asks for confirmation of something that cannot be taken back.
    static func confirmation(
        _ visit: Visit,
        _ action: String,
        _ submit: String,
        fields: [Field] = [],
        hidden: [HiddenField] = [],
        cancel: String
    ) -> FormView {
        FormView(
            action: action,
            csrf: visit.csrf,
            hidden: hidden,
            fields: fields,
            submit: submit,
            isDanger: true,
            cancel: PageLink(name: "Leave it as it is", href: cancel)
        )
    }
}

/// A field that carries what the page knows already.
struct HiddenField {
    let name: String
    let value: String
}

/// One field of a form, with its label, an explanation, and what was wrong with what was written.
struct Field {
    struct Option {
        let value: String
        let name: String
        var about: String?
        let isChosen: Bool
    }

    let name: String
    /// The same for the options, which have names of their own.
    let fieldName: String
    let label: String
    private(set) var hint: String?
    private(set) var value = ""
    private(set) var type = "text"
    /// What the browser may fill in by itself.
    private(set) var completion = "off"
    private(set) var isRequired = false
    private(set) var wrong: String?
    private(set) var isInput = false
    private(set) var isSelect = false
    private(set) var isArea = false
    private(set) var isTall = false
    /// One of several to be chosen.
    private(set) var isRadio = false
    /// Any of several to be chosen, each a field of its own: `NAME-VALUE`.
    private(set) var isChecks = false
    private(set) var options: [Option] = []
    private(set) var rows = 4

    private init(_ name: String, _ label: String) {
        self.name = name
        fieldName = name
        self.label = label
    }

    static func text(
        _ name: String,
        _ label: String,
        hint: String? = nil,
        type: String = "text",
        isRequired: Bool = false,
        in form: Form
    ) -> Field {
        var field = Field(name, label)
        field.isInput = true
        field.type = type
        field.hint = hint
        field.isRequired = isRequired
        field.value = form[name]
        field.wrong = form.wrong(name)
        return field
    }

    static func area(
        _ name: String,
        _ label: String,
        hint: String? = nil,
        rows: Int = 4,
        isTall: Bool = false,
        isRequired: Bool = false,
        in form: Form
    ) -> Field {
        var field = Field(name, label)
        field.isArea = true
        field.isTall = isTall
        field.rows = rows
        field.hint = hint
        field.isRequired = isRequired
        field.value = form[name]
        field.wrong = form.wrong(name)
        return field
    }

    static func select(
        _ name: String,
        _ label: String,
        _ options: [(value: String, name: String)],
        usual: String = "",
        hint: String? = nil,
        in form: Form
    ) -> Field {
        var field = Field(name, label)
        field.isSelect = true
        field.hint = hint
        field.options = options.map {
            Option(value: $0.value, name: $0.name, isChosen: $0.value == (form.has(name) ? form[name] : usual))
        }
        field.wrong = form.wrong(name)
        return field
    }

    static func radio(
        _ name: String,
        _ label: String,
        _ options: [(value: String, name: String, about: String?)],
        usual: String,
        in form: Form
    ) -> Field {
        var field = Field(name, label)
        field.isRadio = true
        field.options = options.map {
            let isChosen = $0.value == (form.has(name) ? form[name] : usual)
            return Option(value: $0.value, name: $0.name, about: $0.about, isChosen: isChosen)
        }
        field.wrong = form.wrong(name)
        return field
    }

    static func checks(
        _ name: String,
        _ label: String,
        _ options: [(value: String, name: String, about: String?)],
        in form: Form
    ) -> Field {
        var field = Field(name, label)
        field.isChecks = true
        field.options = options.map {
            Option(value: $0.value, name: $0.name, about: $0.about, isChosen: form.has("\(name)-\($0.value)"))
        }
        field.wrong = form.wrong(name)
        return field
    }
}
