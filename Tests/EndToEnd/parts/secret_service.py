#!/usr/bin/python3
"""A Secret Service with the habits of every keyring, good and bad, switched on and off while it runs.

Run by Debian's own Python (python3-gi) with the session bus in DBUS_SESSION_BUS_ADDRESS. Everything that it is asked is
kept, and every window that it would show; `dev.doorward.Fake` at /fake sets a habit and tells what happened:

    locked 0|1      the collection is closed
    alias 0|1       whether there is a default collection
    guard 0|1       an item is locked for every connection that has not made or opened it (KeePassXC's confirmation)
    window_search   a search of a closed keyring shows a window and is never answered (KeePassXC)
    empty 0|1       every secret is answered with success and no bytes (KWallet, closed)
    prompt HOW      accept, dismiss, hang, late, words (a result of another type), odd (a signal of another type),
                    mute (opens, and never says so), gone (the prompt ends without a word), vanish (the program ends)
    hang METHOD     this method is never answered
    odd METHOD      this method is answered with something of another type
    snapshot, restore    what is kept goes back to an earlier state
    garble 0|1      every secret is answered with other bytes
    window_delete   an entry is removed only after a prompt (KeePassXC)
    schema TEXT     every item was made by another program, with this schema
    copy TEXT       of each item there is a newer one of the same attributes, with this as its secret
    refuse N        the next so many sessions, or entries, are refused (KWallet, for some keys of a session)
    program NAME    what its process is called, by which keyrings are known; `kwalletd5` has a wallet of KDE too
    wallet 0|1      whether that wallet is open, whatever its collection says of itself
"""

import ctypes
import os
import sys

from gi.repository import Gio, GLib

ROOT = "/org/freedesktop/secrets"
COLLECTION = f"{ROOT}/collection/fake"
SPEC = "org.freedesktop.Secret."
XML = """<node>
<interface name="org.freedesktop.Secret.Service">
 <method name="OpenSession"><arg type="s" direction="in"/><arg type="v" direction="in"/><arg type="v" direction="out"/>
  <arg type="o" direction="out"/></method>
 <method name="SearchItems"><arg type="a{ss}" direction="in"/><arg type="ao" direction="out"/><arg type="ao" direction="out"/></method>
 <method name="Unlock"><arg type="ao" direction="in"/><arg type="ao" direction="out"/><arg type="o" direction="out"/></method>
 <method name="ReadAlias"><arg type="s" direction="in"/><arg type="o" direction="out"/></method>
 <method name="SetAlias"><arg type="s" direction="in"/><arg type="o" direction="in"/></method>
 <method name="CreateCollection"><arg type="a{sv}" direction="in"/><arg type="s" direction="in"/><arg type="o" direction="out"/>
  <arg type="o" direction="out"/></method>
 <property name="Collections" type="ao" access="read"/></interface>
<interface name="org.freedesktop.Secret.Collection">
 <method name="CreateItem"><arg type="a{sv}" direction="in"/><arg type="(oayays)" direction="in"/><arg type="b" direction="in"/>
  <arg type="o" direction="out"/><arg type="o" direction="out"/></method>
 <property name="Locked" type="b" access="read"/><property name="Label" type="s" access="read"/></interface>
<interface name="org.freedesktop.Secret.Item">
 <method name="GetSecret"><arg type="o" direction="in"/><arg type="(oayays)" direction="out"/></method>
 <method name="SetSecret"><arg type="(oayays)" direction="in"/></method>
 <method name="Delete"><arg type="o" direction="out"/></method>
 <property name="Locked" type="b" access="read"/><property name="Attributes" type="a{ss}" access="read"/>
 <property name="Modified" type="t" access="read"/></interface>
<interface name="org.freedesktop.Secret.Prompt">
 <method name="Prompt"><arg type="s" direction="in"/></method><method name="Dismiss"/>
 <signal name="Completed"><arg type="b"/><arg type="v"/></signal></interface>
<interface name="org.kde.KWallet">
 <method name="isOpen"><arg type="s" direction="in"/><arg type="b" direction="out"/></method>
 <method name="open"><arg type="s" direction="in"/><arg type="x" direction="in"/><arg type="s" direction="in"/>
  <arg type="i" direction="out"/></method>
 <method name="sync"><arg type="i" direction="in"/><arg type="s" direction="in"/></method>
 <method name="close"><arg type="i" direction="in"/><arg type="b" direction="in"/><arg type="s" direction="in"/>
  <arg type="i" direction="out"/></method></interface>
<interface name="dev.doorward.Fake">
 <method name="Set"><arg type="s" direction="in"/><arg type="s" direction="in"/></method>
 <method name="Log"><arg type="s" direction="out"/></method></interface>
</node>"""
INFO = {each.name: each for each in Gio.DBusNodeInfo.new_for_xml(XML).interfaces}


class Fake:
    def __init__(self, bus):
        self.bus = bus
        self.habits = {"locked": "0", "alias": "1", "guard": "0", "prompt": "accept"}
        self.items = {}
        self.opened = set()
        self.saved = {}
        self.log = []
        self.count = 0
        self.clock = 1000
        self.register(ROOT, "Service")
        self.register(COLLECTION, "Collection")
        bus.register_object("/fake", INFO["dev.doorward.Fake"], self.control, None, None)

    def on(self, habit):
        return self.habits.get(habit, "0") == "1"

    def register(self, path, name):
        return self.bus.register_object(path, INFO[SPEC + name], self.called, self.read, None)

    def number(self):
        self.count += 1
        return self.count

    # What a test says and asks.

    def control(self, bus, sender, path, interface, method, arguments, invocation):
        if method == "Log":
            invocation.return_value(GLib.Variant("(s)", ("\n".join(self.log),)))
            return
        habit, value = arguments.unpack()
        if habit == "snapshot":
            self.saved = {path: dict(item) for path, item in self.items.items()}
        elif habit == "restore":
            for path in self.items.keys() - self.saved.keys():
                self.bus.unregister_object(self.items[path]["id"])
            self.items = {path: self.items.get(path, {}) | {"secret": item["secret"]} for path, item in self.saved.items()}
        elif habit == "copy":
            for item in list(self.items.values()):
                self.make(item["attributes"], value.encode())
        elif habit == "schema":
            for item in self.items.values():
                item["attributes"] = item["attributes"] | {"xdg:schema": value}
        elif habit == "program":
            ctypes.CDLL(None).prctl(15, value.encode(), 0, 0, 0)
            self.bus.register_object("/modules/kwalletd5", INFO["org.kde.KWallet"], self.wallet, None, None)
        else:
            self.habits[habit] = value
        invocation.return_value(None)

    def wallet(self, bus, sender, path, interface, method, arguments, invocation):
        self.log.append(f"wallet-{method}")
        answers = {"isOpen": ("(b)", (self.on("wallet"),)), "open": ("(i)", (7,)), "close": ("(i)", (0,)), "sync": ("()", ())}
        invocation.return_value(GLib.Variant(*answers[method]))

    # The service.

    def read(self, bus, sender, path, interface, name):
        if name == "Collections":
            return GLib.Variant("ao", [COLLECTION])
        if interface == SPEC + "Collection":
            return GLib.Variant("s", "fake") if name == "Label" else GLib.Variant("b", self.on("locked"))
        item = self.items[path]
        return {
            "Locked": lambda: GLib.Variant("b", self.is_locked(path, sender)),
            "Attributes": lambda: GLib.Variant("a{ss}", item["attributes"]),
            "Modified": lambda: GLib.Variant("t", item["modified"]),
        }[name]()

    def is_locked(self, path, sender):
        return self.on("locked") or (self.on("guard") and (path, sender) not in self.opened)

    def called(self, bus, sender, path, interface, method, arguments, invocation):
        self.log.append(method)
        if self.habits.get("hang") == method:
            return
        if self.habits.get("odd") == method:
            reply = Gio.DBusMessage.new_method_reply(invocation.get_message())
            reply.set_body(GLib.Variant("(s)", ("odd",)))
            bus.send_message(reply, Gio.DBusSendMessageFlags.NONE)
            return
        answer = getattr(self, method)(sender, path, invocation, *arguments.unpack())
        if answer is not None:
            invocation.return_value(answer)

    def refuses(self, invocation, name, words):
        left = int(self.habits.get("refuse", "0"))
        self.habits["refuse"] = str(max(0, left - 1))
        if left > 0:
            invocation.return_dbus_error(name, words)
        return left > 0

    def OpenSession(self, sender, path, invocation, algorithm, value):
        if self.refuses(invocation, "org.freedesktop.DBus.Error.InvalidArgs", "Client public key size is invalid"):
            return None
        if algorithm != "plain":
            invocation.return_dbus_error("org.freedesktop.DBus.Error.NotSupported", "plain only")
            return None
        return GLib.Variant("(vo)", (GLib.Variant("s", ""), f"{ROOT}/session/s{self.number()}"))

    def SearchItems(self, sender, path, invocation, attributes):
        if self.on("locked") and self.on("window_search"):
            self.log.append("window")
            return None
        found = [path for path, item in self.items.items() if attributes.items() <= item["attributes"].items()]
        locked = [path for path in found if self.is_locked(path, sender)]
        return GLib.Variant("(aoao)", ([path for path in found if path not in locked], locked))

    def ReadAlias(self, sender, path, invocation, name):
        return GLib.Variant("(o)", (COLLECTION if name == "default" and self.on("alias") else "/",))

    def SetAlias(self, sender, path, invocation, name, collection):
        self.habits["alias"] = "1"
        return GLib.Variant("()", ())

    def CreateCollection(self, sender, path, invocation, properties, alias):
        return GLib.Variant("(oo)", ("/", self.prompt(sender, lambda: self.habits.update(alias="1"), GLib.Variant("o", COLLECTION))))

    def Unlock(self, sender, path, invocation, paths):
        def accept():
            if COLLECTION in paths:
                self.habits["locked"] = "0"
            self.opened.update((path, sender) for path in paths)
        return GLib.Variant("(aoo)", ([], self.prompt(sender, accept, GLib.Variant("ao", paths))))

    def CreateItem(self, sender, path, invocation, properties, secret, replace):
        if self.refuses(invocation, "org.qtproject.QtDBus.Error.InvalidObjectPath", "Can't find session"):
            return None
        attributes = dict(properties[SPEC + "Item.Attributes"])
        if replace and any(item["attributes"] == attributes for item in self.items.values()):
            self.log.append("window")
        if self.on("locked"):
            self.log.append("window")
            return None
        new = self.make(attributes, bytes(secret[2]))
        self.opened.add((new, sender))
        return GLib.Variant("(oo)", (new, "/"))

    def make(self, attributes, secret):
        path = f"{COLLECTION}/{self.number()}"
        self.clock += 1
        self.items[path] = {"attributes": attributes, "secret": secret, "modified": self.clock, "id": self.register(path, "Item")}
        return path

    def GetSecret(self, sender, path, invocation, session):
        if self.is_locked(path, sender) and not self.on("empty"):
            invocation.return_dbus_error(SPEC + "Error.IsLocked", "")
            return None
        secret = b"" if self.on("empty") else b"other" if self.on("garble") else self.items[path]["secret"]
        return GLib.Variant("((oayays))", ((session, b"", secret, "text/plain"),))

    def SetSecret(self, sender, path, invocation, secret):
        if self.is_locked(path, sender):
            invocation.return_dbus_error(SPEC + "Error.IsLocked", "")
            return None
        self.clock += 1
        self.items[path] |= {"secret": bytes(secret[2]), "modified": self.clock}
        return GLib.Variant("()", ())

    def Delete(self, sender, path, invocation):
        if self.on("window_delete"):
            return GLib.Variant("(o)", (self.prompt(sender, lambda: None, GLib.Variant("s", "")),))
        self.bus.unregister_object(self.items.pop(path)["id"])
        return GLib.Variant("(o)", ("/",))

    # Prompts.

    def prompt(self, sender, accept, result):
        path = f"{ROOT}/prompt/p{self.number()}"
        identity = self.register(path, "Prompt")
        self.prompts = getattr(self, "prompts", {}) | {path: (identity, sender, accept, result)}
        return path

    def Prompt(self, sender, path, invocation, window):
        self.log.append("window")
        invocation.return_value(None)
        how = self.habits["prompt"]
        _, _, accept, result = self.prompts[path]
        if how == "accept":
            accept()
            self.complete(path, GLib.Variant("(bv)", (False, result)))
        elif how == "dismiss":
            self.complete(path, GLib.Variant("(bv)", (True, GLib.Variant("s", ""))))
        elif how == "late":
            GLib.timeout_add(2500, lambda: (accept(), self.complete(path, GLib.Variant("(bv)", (False, result))))[1])
        elif how == "words":
            accept()
            self.complete(path, GLib.Variant("(bv)", (False, GLib.Variant("s", "another type"))))
        elif how == "odd":
            self.complete(path, GLib.Variant("(s)", ("odd",)))
        elif how == "mute":
            accept()
        elif how == "gone":
            self.bus.unregister_object(self.prompts[path][0])
        elif how == "vanish":
            GLib.timeout_add(300, lambda: os._exit(0))
        return None

    def Dismiss(self, sender, path, invocation):
        self.complete(path, GLib.Variant("(bv)", (True, GLib.Variant("s", ""))))
        return GLib.Variant("()", ())

    def complete(self, path, values):
        identity, sender, _, _ = self.prompts[path]
        self.bus.emit_signal(sender, path, SPEC + "Prompt", "Completed", values)
        self.bus.unregister_object(identity)
        return False


def main():
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    fake = Fake(bus)
    loop = GLib.MainLoop()
    Gio.bus_own_name_on_connection(bus, "org.freedesktop.secrets", Gio.BusNameOwnerFlags.NONE, None, lambda *_: loop.quit())
    loop.run()
    sys.exit(1 if fake else 0)


if __name__ == "__main__":
    main()
