internal import CLibSecret

/// A value of D-Bus: something that is sent, or a part of an answer.
///
/// What is asked of an answer is in its type, which `KeyringSession.call` has checked.
final class BusValue {
    let raw: OpaquePointer

    /// Takes over a value, which a new one lets happen as well.
    init?(_ raw: OpaquePointer?) {
        guard let raw, let taken = g_variant_take_ref(raw) else { return nil }
        self.raw = taken
    }

    deinit { g_variant_unref(raw) }

    // MARK: Making

    static func text(_ text: String) -> BusValue { made(g_variant_new_string(text)) }
    static func path(_ path: String) -> BusValue { made(g_variant_new_object_path(path)) }
    static func flag(_ flag: Bool) -> BusValue { made(g_variant_new_boolean(flag ? 1 : 0)) }
    static func short(_ number: Int32) -> BusValue { made(g_variant_new_int32(number)) }
    static func long(_ number: Int64) -> BusValue { made(g_variant_new_int64(gint64(number))) }
    static func boxed(_ value: BusValue) -> BusValue { made(g_variant_new_variant(value.raw)) }

    static func tuple(_ values: BusValue...) -> BusValue {
        let raw: [OpaquePointer?] = values.map(\.raw)
        return withExtendedLifetime(values) { made(g_variant_new_tuple(raw, gsize(raw.count))) }
    }

    static func paths(_ paths: [String]) -> BusValue { array("o", paths.map { .path($0) }) }

    static func texts(_ texts: [String: String]) -> BusValue {
        array("{ss}", texts.map { .entry($0.key, .text($0.value)) })
    }

    static func properties(_ properties: [String: BusValue]) -> BusValue {
        array("{sv}", properties.map { .entry($0.key, .boxed($0.value)) })
    }

    private static func entry(_ key: String, _ value: BusValue) -> BusValue {
        let key = BusValue.text(key)
        return withExtendedLifetime((key, value)) { made(g_variant_new_dict_entry(key.raw, value.raw)) }
    }

    private static func array(_ element: String, _ values: [BusValue]) -> BusValue {
        let raw: [OpaquePointer?] = values.map(\.raw)
        return withExtendedLifetime(values) { made(dw_array(element, raw, gsize(raw.count))) }
    }

    private static func made(_ raw: OpaquePointer?) -> BusValue {
        guard let value = BusValue(raw) else { fatalError("out of memory") }
        return value
    }

    // MARK: Reading

    /// A part of a tuple or an array.
    subscript(_ index: Int) -> BusValue { Self.made(g_variant_get_child_value(raw, gsize(index))) }

    /// What is in a box.
    var content: BusValue { Self.made(g_variant_get_variant(raw)) }

    var text: String { g_variant_get_string(raw, nil).map { String(cString: $0) } ?? "" }

    /// How many parts a tuple or an array has.
    var count: Int { Int(g_variant_n_children(raw)) }

    /// The texts or paths of an array.
    var texts: [String] { (0..<count).map { self[$0].text } }

    /// A member of a dictionary of properties; nil where it is not there, or of another type.
    func member(_ name: String, _ type: String) -> BusValue? {
        for index in 0..<count {
            let entry = self[index]
            guard entry[0].text == name else { continue }
            let content = entry[1].content
            return content.isOf(type) ? content : nil
        }
        return nil
    }

    /// A member of a dictionary of texts.
    func text(of name: String) -> String? {
        for index in 0..<count where self[index][0].text == name { return self[index][1].text }
        return nil
    }

    func isOf(_ type: String) -> Bool { dw_is_type(raw, type) != 0 }

    var flag: Bool { g_variant_get_boolean(raw) != 0 }
    var short: Int32 { g_variant_get_int32(raw) }
    var number: UInt64 { UInt64(g_variant_get_uint64(raw)) }
}
