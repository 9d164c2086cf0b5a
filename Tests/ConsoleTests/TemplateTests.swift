import Mustache
import Testing

@testable import Console

@Suite("Templates")
struct TemplateTests {
    @Test("Each can be read", arguments: Templates.sources.keys.sorted())
    func readable(name: String) throws {
        _ = try MustacheTemplate(string: try #require(Templates.sources[name]))
    }

    @Test(
        "None takes anything as it is: what a model holds is text, and never markup",
        arguments: Templates.sources.keys.sorted()
    )
    func escaped(name: String) throws {
        let source = try #require(Templates.sources[name])
        #expect(!source.contains("{{{") && !source.contains("{{&") && !source.contains("{{%"))
    }

    @Test("None has a script or a style of its own, or asks another host", arguments: Templates.sources.keys.sorted())
    func strict(name: String) throws {
        let source = try #require(Templates.sources[name]).replacing("https://www.w3.org", with: "")
        #expect(!source.contains(" style=") && !source.contains("<style") && !source.contains("javascript:"))
        #expect(source.firstMatch(of: /\ on[a-z]+=/) == nil)
        #expect(
            source.matches(of: /<script[^>]*>/).allSatisfy { $0.output.contains("src=\"{{shell.assets.script}}\"") }
        )
        #expect(!source.contains("http://") && !source.contains("https://"))
    }

    @Test("Every attribute with a value of the model is in quotation marks", arguments: Templates.sources.keys.sorted())
    func quoted(name: String) throws {
        #expect(try #require(Templates.sources[name]).firstMatch(of: /=\{\{/) == nil)
    }

    @Test("Every partial that is named is there", arguments: Templates.sources.keys.sorted())
    func partials(name: String) throws {
        for match in try #require(Templates.sources[name]).matches(of: /\{\{[<>]([a-z-]+)\}\}/) {
            #expect(Templates.sources[String(match.output.1)] != nil, "\(match.output.1)")
        }
    }

    @Test("Every asset is whole, and a drawing is one that a browser takes for one")
    func assets() throws {
        for asset in Asset.all.values {
            #expect(!asset.bytes.isEmpty && asset.isImmutable == (asset.name != "chevron.svg"), "\(asset.name)")
            guard asset.mediaType == "image/svg+xml" else { continue }
            #expect(String(decoding: asset.bytes, as: UTF8.self).hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
        }
        let named = Stylesheet.text.matches(of: /url\("\/assets\/([^"]*)"\)/).map { String($0.output.1) }
        #expect(named == ["chevron.svg"] && named.allSatisfy { Asset.all[$0] != nil })
    }

    @Test("Every field of a form's template has a label that belongs to it")
    func labels() {
        for source in Templates.sources.values {
            for match in source.matches(of: /<(?:textarea|select|input type="text"|input id)[^>]*>/) {
                let isLabelled = match.output.contains("id=") || match.output.contains("aria-label=")
                #expect(isLabelled, "\(match.output)")
            }
        }
    }
}
