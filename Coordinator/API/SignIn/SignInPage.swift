/// A page of the way in, as those who are not signed in yet may see it.
package enum SignInPage: Sendable, Equatable {
    /// How to sign in where there is no identity provider.
    case howTo
    /// A one-time link was opened: the person presses a button to go in.
    case link(user: String, secret: String)
    /// The browser is signed out here; where there is an address, it can be at the identity provider too.
    case signedOut(farewell: String?)
    /// It did not work: what happened, and what to do next.
    case failed(title: String, why: String, next: String?)

    /// What the browser shows as the name of the page.
    package var title: String {
        switch self {
        case .howTo, .link: "Sign in"
        case .signedOut: "Signed out"
        case .failed(let title, _, _): title
        }
    }
}

/// Text of HTML.
package enum HTML {
    /// The text as content of an element or of an attribute in quotation marks.
    package static func escaped(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): result += "&amp;".utf8
            case UInt8(ascii: "<"): result += "&lt;".utf8
            case UInt8(ascii: ">"): result += "&gt;".utf8
            case UInt8(ascii: "\""): result += "&quot;".utf8
            case UInt8(ascii: "'"): result += "&#39;".utf8
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
