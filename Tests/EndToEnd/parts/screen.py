#!/usr/bin/python3
"""What a person in front of a screen would see and do: the windows that programs open, and typing into them.

Run by Debian's own Python (python3-xlib) with the screen in DISPLAY:

    screen.py watch         prints one line of JSON for each window that is shown, from the beginning on
    screen.py type TEXT     types TEXT and Enter into the window that was shown last
    screen.py close         closes the window that was shown last
    screen.py escape        the same with the key for it
"""

import json
import sys
import time

from Xlib import XK, X, display, error
from Xlib.ext import xtest
from Xlib.protocol import event


def title(window):
    try:
        text = window.get_full_text_property(window.display.get_atom("_NET_WM_NAME")) or window.get_wm_name()
        return text if isinstance(text, str) else (text or b"").decode(errors="replace")
    except error.XError:
        return ""


def is_shown(window):
    try:
        facts, place = window.get_attributes(), window.get_geometry()
        return facts.map_state == X.IsViewable and facts.win_class == X.InputOutput and place.width > 1 and place.height > 1
    except error.XError:
        return False


def watch(screen):
    root = screen.screen().root
    root.change_attributes(event_mask=X.SubstructureNotifyMask)
    screen.sync()
    print(json.dumps({"ready": True}), flush=True)
    while True:
        happened = screen.next_event()
        # A tooltip is no window that wants an answer.
        if happened.type == X.MapNotify and not happened.override and is_shown(happened.window):
            print(json.dumps({"window": title(happened.window)}), flush=True)


def last(screen):
    """The window on top; without a window manager that is the one that was shown last."""
    shown = [each for each in screen.screen().root.query_tree().children if is_shown(each)]
    if not shown:
        sys.exit("there is no window")
    return shown[-1]


def press(screen, keysym, shift=False):
    code = screen.keysym_to_keycode(keysym)
    held = screen.keysym_to_keycode(XK.XK_Shift_L)
    if shift:
        xtest.fake_input(screen, X.KeyPress, held)
    xtest.fake_input(screen, X.KeyPress, code)
    xtest.fake_input(screen, X.KeyRelease, code)
    if shift:
        xtest.fake_input(screen, X.KeyRelease, held)
    screen.sync()
    time.sleep(0.02)


def type_text(screen, text):
    focus(screen)
    for each in text:
        press(screen, XK.string_to_keysym(each), each.isupper())
    press(screen, XK.XK_Return)


def escape(screen):
    focus(screen)
    press(screen, XK.XK_Escape)


def focus(screen):
    # Without a window manager no other program gives it the keyboard.
    last(screen).set_input_focus(X.RevertToParent, X.CurrentTime)
    screen.sync()
    time.sleep(0.3)


def close(screen):
    window = last(screen)
    protocols, wish = screen.get_atom("WM_PROTOCOLS"), screen.get_atom("WM_DELETE_WINDOW")
    window.send_event(event.ClientMessage(window=window, client_type=protocols, data=(32, [wish, X.CurrentTime, 0, 0, 0])))
    screen.sync()


def main():
    screen = display.Display()
    what, *rest = sys.argv[1:]
    {"watch": watch, "type": type_text, "close": close, "escape": escape}[what](screen, *rest)
    screen.close()


if __name__ == "__main__":
    main()
