"""Debian's Chromium, headless, as a person would use it: a profile of its own that trusts the coordinator's CA and nobody else's.

It is driven through chromedriver, which ends with the world. What the page's scripts and the browser itself complain about is kept.
"""

import os
import re
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.remote_connection import ChromeRemoteConnection
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webelement import WebElement

from . import http
from .processes import Failed, Process, run, wait_for
from .world import World, free_port

PROGRAM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
# What selenium raises while a page is replaced by the next one.
_PASSING = (NoSuchElementException, StaleElementReferenceException)


# Fonts of icons have theirs in the private area.
_PICTURES = re.compile("[\ue000-\uf8ff]")


class Browser:
    """One profile: its cookies are its own. `scripts=False` is a browser without JavaScript."""

    def __init__(self, world: World, name: str, scripts: bool = True) -> None:
        self.world = world
        folder = world.folder / f"browser-{name}"
        environment = world.environment(folder / "home", folder / "run")
        if "ca_file" in world.coordinator.facts:
            _trust(Path(world.coordinator.ca), folder / "home", environment)
        port = free_port()
        self.process: Process = world.processes.start(f"browser-{name}", [DRIVER, f"--port={port}"], environment)
        url = f"http://127.0.0.1:{port}"
        self.process.ready(lambda: _accepts(port))
        connection = ChromeRemoteConnection(url, client_config=ClientConfig(remote_server_addr=url, timeout=60))
        self.driver = webdriver.Remote(connection, options=_options(folder / "profile", scripts))
        self.driver.set_page_load_timeout(30)

    # What a person does.

    def open(self, address: str) -> None:
        """Goes to a URL, or to a path of the coordinator."""
        self.driver.get(self.world.coordinator.url + address if address.startswith("/") else address)

    def press(self, label: str) -> None:
        """Presses the button, or follows the link, that has this text or label; waits for the page that comes of it if one does."""
        self.named("button,a,summary,input[type=submit],[role=button],[role=tab]", label).click()

    def fill(self, label: str, text: str) -> None:
        """Types into the field that is labelled so, in place of what it holds."""
        field = self.named("input,textarea,select", label)
        field.clear()
        field.send_keys(text)

    def named(self, kinds: str, label: str) -> WebElement:
        """The one element that can be seen, of these kinds (a CSS selector), whose accessible name is `label`."""

        def find() -> WebElement | None:
            fits = [
                each for each in self.driver.find_elements(By.CSS_SELECTOR, kinds)
                if each.is_displayed() and _PICTURES.sub("", each.accessible_name).strip() == label
            ]
            assert len(fits) <= 1, f"{len(fits)} elements are named {label!r} at {self.url}"
            return fits[0] if fits else None

        return self.see(f"{label!r} among {kinds}", find)

    # What a person sees.

    @property
    def url(self) -> str:
        return self.driver.current_url

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def see(self, what: str, probe: Any, seconds: float = 20) -> Any:
        """Waits until `probe` gives something true, over the change of pages."""

        def ask() -> Any:
            try:
                return probe()
            except _PASSING:
                return None

        try:
            return wait_for(f"the browser to show {what}", ask, seconds)
        except Failed as error:
            raise Failed(f"{error}\nat {self.url} it shows:\n{self.text[:2000]}") from None

    def shows(self, words: str, seconds: float = 20) -> None:
        """Waits until the page has these words."""
        self.see(repr(words), lambda: words in self.text, seconds)

    def cookies(self) -> dict[str, dict[str, Any]]:
        """The cookies for the page that is shown, by name; those that scripts cannot read too."""
        return {each["name"]: each for each in self.driver.get_cookies()}

    def complaints(self) -> list[str]:
        """What the browser complained about since this was asked last: errors of scripts, what CSP held back, what was not there."""
        entries = self.driver.execute("getLog", {"type": "browser"})["value"]
        return [each["message"] for each in entries if each["level"] in ("SEVERE", "WARNING")]

    # How it is looked at.

    def look(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """The size of the page's room, in CSS pixels, and whether its owner likes it dark; holds until it is said anew."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])

    def tell(self, command: str, **parameters: Any) -> Any:
        """A command of the protocol of Chromium's developer tools."""
        return self.driver.execute("executeCdpCommand", {"cmd": command, "params": parameters})["value"]

    def photograph(self, file: Path) -> Path:
        """A picture (PNG) of what is shown."""
        file.parent.mkdir(parents=True, exist_ok=True)
        assert self.driver.save_screenshot(str(file))
        return file

    def close(self) -> None:
        self.driver.quit()
        self.process.stop()


def _accepts(port: int) -> bool:
    return http.get(f"http://127.0.0.1:{port}/status").json["value"]["ready"]


def _options(profile: Path, scripts: bool) -> webdriver.ChromeOptions:
    options = webdriver.ChromeOptions()
    options.binary_location = PROGRAM
    for each in (
        "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en-US", "--window-size=1280,900",
        # It asks nobody but the pages under test.
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(each)
    if os.geteuid() == 0:
        # Chromium's own sandbox refuses root, and the pages are ours.
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return options


def _trust(authority: Path, home: Path, environment: dict[str, str]) -> None:
    """Puts a CA's certificate where Chromium looks for those of its user."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for arguments in (["-N", "--empty-password"], ["-A", "-n", "doorward", "-t", "C,,", "-i", str(authority)]):
        done = run(["certutil", "-d", f"sql:{store}", *arguments], environment)
        if done.returncode != 0:
            raise Failed(f"certutil {arguments[0]}: {done.stderr}")
