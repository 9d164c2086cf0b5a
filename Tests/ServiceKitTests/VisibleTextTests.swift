import ServiceKit
import Testing

@Suite("Text that hides nothing")
struct VisibleTextTests {
    @Test(
        "What is not seen is spelled out",
        arguments: [
            ("a\u{200B}b", "a\\u{200b}b"), ("\u{202E}evil", "\\u{202e}evil"), ("tag\u{E0041}", "tag\\u{e0041}"),
            ("a\u{7}\u{1B}[2J", "a\\u{7}\\u{1b}[2J"), ("x\u{A0}y", "x\\u{a0}y"), ("soft\u{AD}", "soft\\u{ad}"),
            ("\u{FEFF}a", "\\u{feff}a"), ("a\u{FE0F}", "a\\u{fe0f}"), ("\u{3164}", "\\u{3164}"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"), ("\u{E000}", "\\u{e000}"), ("a\tb", "a\\u{9}b"),
            ("\u{2800}", "\\u{2800}"), ("\u{85}", "\\u{85}"), ("\u{2028}", "\\u{2028}"), ("\u{115F}", "\\u{115f}"),
        ]
    )
    func hidden(_ text: String, _ visible: String) {
        #expect(VisibleText.of(text).unicodeScalars.elementsEqual(visible.unicodeScalars), "\(VisibleText.of(text))")
    }

    @Test(
        "Letters that pass for others are spelled out",
        arguments: [
            ("p\u{430}ypal", "p\\u{430}ypal"), ("\u{441}\u{43E}\u{440}\u{443}", "\\u{441}\\u{43e}\\u{440}\\u{443}"),
            ("\u{FF21}B", "\\u{ff21}B"), ("\u{1D41A}", "\\u{1d41a}"), ("\u{39F}K", "\\u{39f}K"),
            ("\u{212A}", "\\u{212a}"),
        ]
    )
    func lookalikes(_ text: String, _ visible: String) {
        #expect(VisibleText.of(text) == visible)
    }

    @Test(
        "What people write stays as it is",
        arguments: [
            "Größe: 5 µm, naïve café", "Привет, мир", "Ελληνικά κείμενα", "日本語の説明", "חיפוש", "→ 1…3 × “x” 👍", "a\\n/b",
        ]
    )
    func plain(_ text: String) {
        #expect(VisibleText.of(text) == text)
    }
}
